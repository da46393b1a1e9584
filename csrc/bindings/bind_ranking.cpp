// Rankings of rows of scores.
#include "bindings/arrays.hpp"
#include "bindings/binders.hpp"
#include "bindings/running.hpp"
#include "nn/top_n.hpp"

namespace aecore {

namespace {

using OptionalArray = std::optional<py::array>;

/// A contiguous int32 or int64 array of `size` elements.
Indices index_array(const py::array& array, index_t size, const std::string& name) {
  Indices indices;
  indices.wide = array.itemsize() == sizeof(std::int64_t);
  indices.data = indices.wide
                     ? static_cast<const void*>(read_pointer<std::int64_t>(array, size, name))
                     : static_cast<const void*>(read_pointer<std::int32_t>(array, size, name));
  return indices;
}

template <class T>
Scores<T> scores_of(const py::array& scores, const OptionalArray& indptr,
                    const OptionalArray& indices, const OptionalArray& allowed) {
  AECORE_REQUIRE(scores.ndim() == 2 && scores.shape(1) > 0 && scores.shape(1) <= INT32_MAX,
                 "scores must be 2-D with 1 to 2**31 - 1 columns; got shape " + shape_text(scores));
  const index_t n_rows = scores.shape(0), n_columns = scores.shape(1);
  Excluded excluded;
  if (allowed) {
    excluded.allowed = read_pointer<std::uint8_t>(*allowed, n_columns, "allowed");
  }
  AECORE_REQUIRE(indptr.has_value() == indices.has_value(),
                 "indptr and indices must be given together");
  if (indptr) {
    excluded.indptr = index_array(*indptr, n_rows + 1, "indptr");
    excluded.indices = index_array(*indices, indices->size(), "indices");
    excluded.n_indices = indices->size();
  }
  return {read_pointer<T>(scores, checked_mul(n_rows, n_columns), "scores"), n_rows, n_columns,
          excluded};
}

/// A look at a score counts as a multiply-add.
template <class T>
int threads_for(const Scores<T>& scores, int n_threads) {
  return choose_threads(n_threads, static_cast<double>(scores.n_rows * scores.n_columns),
                        kWorthATeam);
}

void bound_top_n(const py::array& scores, py::array& ids, py::array& values,
                 const OptionalArray& indptr, const OptionalArray& indices,
                 const OptionalArray& allowed, int n_threads) {
  AECORE_REQUIRE(ids.ndim() == 2 && ids.shape(1) > 0,
                 "ids must be 2-D with columns; got shape " + shape_text(ids));
  const index_t n = ids.shape(1);
  const auto run = [&](auto scalar) {
    using T = decltype(scalar);
    const Scores<T> checked = scores_of<T>(scores, indptr, indices, allowed);
    const index_t size = checked_mul(checked.n_rows, n);
    const TopNCall<T> call{checked, n, write_pointer<std::int32_t>(ids, size, "ids"),
                           write_pointer<float>(values, size, "values")};
    const int threads = threads_for(checked, n_threads);
    compute([&] { top_n(call, threads, signal_pending); });
  };
  is_float32(scores, "scores") ? run(float{}) : run(double{});
}

void bound_places(const py::array& scores, const py::array& asked_indptr,
                  const py::array& asked_indices, py::array& out, const OptionalArray& indptr,
                  const OptionalArray& indices, const OptionalArray& allowed, int n_threads) {
  const auto run = [&](auto scalar) {
    using T = decltype(scalar);
    const Scores<T> checked = scores_of<T>(scores, indptr, indices, allowed);
    const index_t n_indices = asked_indices.size();
    const PlacesCall<T> call{checked, index_array(asked_indptr, checked.n_rows + 1, "asked_indptr"),
                             index_array(asked_indices, n_indices, "asked_indices"), n_indices,
                             write_pointer<std::int32_t>(out, n_indices, "out")};
    const int threads = threads_for(checked, n_threads);
    compute([&] { places(call, threads, signal_pending); });
  };
  is_float32(scores, "scores") ? run(float{}) : run(double{});
}

}  // namespace

void bind_ranking(py::module_& m) {
  using py::arg;
  m.def("top_n", &bound_top_n, arg("scores").noconvert(), arg("ids").noconvert(),
        arg("values").noconvert(), arg("indptr") = py::none(), arg("indices") = py::none(),
        arg("allowed") = py::none(), arg("n_threads") = 0);
  m.def("places", &bound_places, arg("scores").noconvert(), arg("asked_indptr").noconvert(),
        arg("asked_indices").noconvert(), arg("out").noconvert(), arg("indptr") = py::none(),
        arg("indices") = py::none(), arg("allowed") = py::none(), arg("n_threads") = 0);
}

}  // namespace aecore
