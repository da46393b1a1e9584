// Soft assignments of codes to clusters, and the distribution that sharpens them.
#include "bindings/arrays.hpp"
#include "bindings/binders.hpp"
#include "bindings/running.hpp"
#include "nn/terms/clustering.hpp"

namespace aecore {

namespace {

void bound_soft_assignment(const py::array& codes, const py::array& centers, py::array& out,
                           int n_threads) {
  AECORE_REQUIRE(centers.ndim() == 2 && centers.shape(0) > 0,
                 "centers must have shape (n_clusters, n_code); got " + shape_text(centers));
  const Rows rows = rows_of(codes, "codes");
  const index_t n_clusters = centers.shape(0), n_code = centers.shape(1);
  AECORE_REQUIRE(rows.source.n_columns == n_code, "codes must be as wide as centers, " +
                                                      std::to_string(n_code) + "; got " +
                                                      std::to_string(rows.source.n_columns));
  const auto run = [&](auto scalar) {
    using T = decltype(scalar);
    const index_t n = rows.source.n_rows;
    const SoftAssignmentCall<T> call{
        rows.source, read_pointer<T>(centers, checked_mul(n_clusters, n_code), "centers"),
        n_clusters, write_pointer<T>(out, checked_mul(n, n_clusters), "out")};
    const double work =
        static_cast<double>(n) * static_cast<double>(n_clusters) * static_cast<double>(n_code);
    const int threads = choose_threads(n_threads, work, kWorthATeam);
    compute([&] { soft_assignment(call, threads, signal_pending); });
  };
  is_float32(centers, "centers") ? run(float{}) : run(double{});
}

void bound_target_distribution(const py::array& q, py::array& out) {
  AECORE_REQUIRE(q.ndim() == 2, "q must have shape (n_rows, n_clusters); got " + shape_text(q));
  const index_t n = q.shape(0), n_clusters = q.shape(1), size = checked_mul(n, n_clusters);
  const auto run = [&](auto scalar) {
    using T = decltype(scalar);
    const T* const from = read_pointer<T>(q, size, "q");
    T* const to = write_pointer<T>(out, size, "out");
    compute([&] { target_distribution(from, n, n_clusters, to); });
  };
  is_float32(q, "q") ? run(float{}) : run(double{});
}

}  // namespace

void bind_clustering(py::module_& m) {
  using py::arg;
  m.def("soft_assignment", &bound_soft_assignment, arg("codes").noconvert(),
        arg("centers").noconvert(), arg("out").noconvert(), arg("n_threads") = 0);
  m.def("target_distribution", &bound_target_distribution, arg("q").noconvert(),
        arg("out").noconvert());
}

}  // namespace aecore
