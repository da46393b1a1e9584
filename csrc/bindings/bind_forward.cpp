// Inference: a range of a network's layers over rows, or over one row as fast as can be.
#include "bindings/binders.hpp"
#include "bindings/data.hpp"
#include "bindings/running.hpp"
#include "nn/model/objective.hpp"
#include "nn/serve/forward.hpp"
#include "nn/sparse/sparse_batch.hpp"

namespace aecore {

namespace {

void run_forward(const Network& network, const py::array& parameters, const py::object& x,
                 py::array& out, index_t first, index_t last, const InputOptions& input,
                 int n_threads, const std::string& name, bool log_variance) {
  AECORE_REQUIRE(first >= 0 && first < last && last <= network.n_layers(),
                 "layers must be a range within 0 to " + std::to_string(network.n_layers()) +
                     "; got " + std::to_string(first) + " to " + std::to_string(last));
  AECORE_REQUIRE(!log_variance || network.layer(last - 1).gaussian(),
                 "log_variance must be False where the last layer is not Gaussian");
  with_scalar(parameters, [&](auto scalar) {
    using T = decltype(scalar);
    const auto& sizes = network.layer_sizes();
    const Rows rows = rows_of(x, name);
    const RowSource& source = rows.source;
    const index_t n_in = sizes[static_cast<std::size_t>(first)];
    check_columns(source, n_in);
    check_columns_scaled(input, n_in);
    check_sparse_input(source, input);
    if (first == 0) check_first_layer(source, network);
    const index_t n_out = sizes[static_cast<std::size_t>(last)];
    const ForwardCall<T> call{network,
                              read_pointer<T>(parameters, network.n_parameters(), "parameters"),
                              source,
                              first,
                              last,
                              input,
                              write_pointer<T>(out, checked_mul(source.n_rows, n_out), "out"),
                              nullptr,
                              log_variance};
    if (source.n_rows == 0) return;
    const double work = static_cast<double>(source.n_rows) * network.work(first, last);
    const int threads = choose_threads(n_threads, work, kWorthATeam);
    compute([&] { forward(call, threads, signal_pending); });
  });
}

/// The result for one plain row (1-D, C-contiguous, of the parameters' dtype, `out` None or of the
/// same kind), or None for anything else: the way of serving, free of every other check.
template <class T>
py::object one_row(const Network& network, const py::array& parameters, const py::array& x,
                   const py::object& out, index_t first, index_t last, const InputOptions& input) {
  const auto plain = [](const py::array& a, index_t size) {
    return a.ndim() == 1 && a.shape(0) == size && a.dtype().is(py::dtype::of<T>()) &&
           a.strides(0) == index_t{sizeof(T)};
  };
  const auto& sizes = network.layer_sizes();
  const index_t n_in = sizes[static_cast<std::size_t>(first)];
  const index_t n_out = sizes[static_cast<std::size_t>(last)];
  if (!plain(parameters, network.n_parameters()) || !plain(x, n_in)) return py::none();
  py::array result;
  if (out.is_none()) {
    result = py::array_t<T>(n_out);
  } else {
    if (!py::isinstance<py::array>(out)) return py::none();
    result = py::reinterpret_borrow<py::array>(out);
    if (!plain(result, n_out) || !result.writeable()) return py::none();
    const auto begin = reinterpret_cast<std::uintptr_t>(result.data());
    const auto apart = [&](const py::array& a) {
      const auto other = reinterpret_cast<std::uintptr_t>(a.data());
      return begin + static_cast<std::uintptr_t>(result.nbytes()) <= other ||
             other + static_cast<std::uintptr_t>(a.nbytes()) <= begin;
    };
    if (!apart(x) || !apart(parameters)) return py::none();
  }
  RowSource source;
  source.data = static_cast<const char*>(x.data());
  source.element = sizeof(T) == sizeof(float) ? Element::float32 : Element::float64;
  source.n_rows = 1;
  source.n_columns = n_in;
  source.row_stride = n_in * index_t{sizeof(T)};
  source.column_stride = sizeof(T);
  const ForwardCall<T> call{network, static_cast<const T*>(parameters.data()), source, first, last,
                            input,   static_cast<T*>(result.mutable_data())};
  if (network.work(first, last) < kWorthTheGil) {
    forward(call, 1, Poll());
  } else {
    compute([&] { forward(call, 1, Poll()); });
  }
  return std::move(result);
}

py::object run_one_row(const Network& network, const py::object& parameters, const py::object& x,
                       const py::object& out, index_t first, index_t last,
                       const InputOptions& input) {
  if (!py::isinstance<py::array>(x) || !py::isinstance<py::array>(parameters) || first < 0 ||
      first >= last || last > network.n_layers()) {
    return py::none();
  }
  check_columns_scaled(input, network.layer_sizes()[static_cast<std::size_t>(first)]);
  const auto weights = py::reinterpret_borrow<py::array>(parameters);
  const auto row = py::reinterpret_borrow<py::array>(x);
  if (weights.itemsize() == sizeof(float)) {
    return one_row<float>(network, weights, row, out, first, last, input);
  }
  return one_row<double>(network, weights, row, out, first, last, input);
}

}  // namespace

void bind_forward(py::class_<Network>& network) {
  using py::arg;
  network
      .def("forward", &run_forward, arg("parameters").noconvert(), arg("X").noconvert(),
           arg("out").noconvert(), py::kw_only(), arg("first_layer"), arg("last_layer"),
           py::arg_v("entry", InputOptions{}, "Input()"), arg("n_threads") = 0, arg("name") = "X",
           arg("log_variance") = false)
      .def("one_row", &run_one_row, arg("parameters"), arg("X"), arg("out"), arg("first_layer"),
           arg("last_layer"), arg("entry"));
}

}  // namespace aecore
