// Single pieces of the core, for the tests that compare them with known answers and for the
// benchmarks that divide by the peak.
#include <chrono>

#include "bindings/arrays.hpp"
#include "bindings/binders.hpp"
#include "bindings/running.hpp"
#include "core/random.hpp"
#include "kernels/dispatch.hpp"
#include "nn/serve/matmul.hpp"

namespace aecore {

namespace {

template <class T>
void unary(const std::string& name, const T* x, T* y, index_t n) {
  const Kernels<T>& k = kernels<T>();
  if (name == "exp") return k.exp(x, y, n);
  if (name == "log") return k.log(x, y, n);
  if (name == "log1p") return k.log1p(x, y, n);
  if (name == "sigmoid") return k.sigmoid(x, y, n);
  if (name == "tanh") return k.tanh(x, y, n);
  if (name == "expm1") return k.expm1(x, y, n);
  if (name == "softplus") return k.softplus(x, y, n);
  if (name == "normal_cdf") return k.normal_cdf(x, y, n);
  throw std::invalid_argument(
      "name must be one of exp, log, log1p, sigmoid, tanh, expm1, softplus, normal_cdf; got '" +
      name + "'");
}

py::array apply_unary(const std::string& name, const py::array& x) {
  py::array y(x.dtype(), std::vector<py::ssize_t>{x.size()});
  if (is_float32(x, "values")) {
    unary(name, read_pointer<float>(x, x.size(), "values"),
          write_pointer<float>(y, x.size(), "out"), x.size());
  } else {
    unary(name, read_pointer<double>(x, x.size(), "values"),
          write_pointer<double>(y, x.size(), "out"), x.size());
  }
  return y;
}

Product product_from_name(const std::string& name) {
  if (name == "forward") return Product::forward;
  if (name == "backward") return Product::backward;
  if (name == "weights") return Product::weights;
  throw std::invalid_argument("product must be one of forward, backward, weights; got '" + name +
                              "'");
}

/// The product `repeats` times, seconds of each.
std::vector<double> bound_matmul(const std::string& name, const py::array& a, const py::array& b,
                                 py::array& c, int repeats) {
  const Product product = product_from_name(name);
  AECORE_REQUIRE(a.ndim() == 2 && b.ndim() == 2 && c.ndim() == 2, "a, b and c must be 2-D");
  const index_t m = c.shape(0), n = c.shape(1);
  const index_t k = product == Product::weights ? a.shape(0) : a.shape(1);
  const auto run = [&](auto scalar) {
    using T = decltype(scalar);
    const T* const pa = read_pointer<T>(a, checked_mul(m, k), "a");
    const T* const pb = read_pointer<T>(b, checked_mul(k, n), "b");
    T* const pc = write_pointer<T>(c, checked_mul(m, n), "c");
    std::vector<double> seconds;
    compute([&] {
      for (int i = 0; i < repeats; ++i) {
        const auto start = std::chrono::steady_clock::now();
        matmul(product, pa, pb, pc, m, k, n);
        seconds.push_back(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      }
    });
    return seconds;
  };
  return is_float32(c, "c") ? run(float{}) : run(double{});
}

py::tuple multiply_add_peak(const std::string& dtype, index_t rounds) {
  double operations = 0, seconds = 0;
  compute([&] {
    const auto start = std::chrono::steady_clock::now();
    operations = dtype == "float64" ? kernels<double>().multiply_add_rounds(rounds)
                                    : kernels<float>().multiply_add_rounds(rounds);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  });
  return py::make_tuple(operations, seconds);
}

py::array permutation(index_t n, std::uint64_t seed, std::uint32_t epoch) {
  AECORE_REQUIRE(n >= 0, "n must be >= 0; got " + std::to_string(n));
  py::array_t<std::int64_t> order(n);
  shuffled_order(order.mutable_data(), n, seed, epoch);
  return order;
}

}  // namespace

void bind_numerics(py::module_& m) {
  using py::arg;
  m.def("philox", &philox4x32, arg("counter"), arg("key"));
  m.def("permutation", &permutation, arg("n"), arg("seed"), arg("epoch"));
  m.def("apply_unary", &apply_unary, arg("name"), arg("values").noconvert());
  m.def("matmul", &bound_matmul, arg("product"), arg("a").noconvert(), arg("b").noconvert(),
        arg("c").noconvert(), arg("repeats") = 1);
  m.def("multiply_add_peak", &multiply_add_peak, arg("dtype"), arg("rounds"));
}

}  // namespace aecore
