// Rankings: of rows of scores, and of a network's outputs that nobody keeps.
#include "bindings/arrays.hpp"
#include "bindings/binders.hpp"
#include "bindings/running.hpp"
#include "nn/serve/top_n.hpp"

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

Ranking ranking_of(index_t n_rows, index_t n_columns, const OptionalArray& indptr,
                   const OptionalArray& indices, const OptionalArray& allowed) {
  AECORE_REQUIRE(n_columns > 0 && n_columns <= INT32_MAX,
                 "scores must have 1 to 2**31 - 1 columns; got " + std::to_string(n_columns));
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
  return {n_rows, n_columns, excluded};
}

TopNOptions top_n_options(const Ranking& ranking, py::array& ids, py::array& values) {
  AECORE_REQUIRE(ids.ndim() == 2 && ids.shape(1) > 0,
                 "ids must be 2-D with columns; got shape " + shape_text(ids));
  const index_t n = ids.shape(1), size = checked_mul(ranking.n_rows, n);
  return {ranking, n, write_pointer<std::int32_t>(ids, size, "ids"),
          write_pointer<float>(values, size, "values")};
}

/// function(the numbers of a C-contiguous float32 or float64 matrix).
template <class Function>
void with_scores(const py::array& scores, Function function) {
  AECORE_REQUIRE(scores.ndim() == 2, "scores must be 2-D; got shape " + shape_text(scores));
  const index_t size = checked_mul(scores.shape(0), scores.shape(1));
  if (is_float32(scores, "scores")) {
    function(read_pointer<float>(scores, size, "scores"));
  } else {
    function(read_pointer<double>(scores, size, "scores"));
  }
}

/// A look at a score counts as a multiply-add.
int threads_for(const Ranking& ranking, int n_threads) {
  return choose_threads(n_threads, static_cast<double>(ranking.n_rows * ranking.n_columns),
                        kWorthATeam);
}

void bound_top_n(const py::array& scores, py::array& ids, py::array& values,
                 const OptionalArray& indptr, const OptionalArray& indices,
                 const OptionalArray& allowed, int n_threads) {
  with_scores(scores, [&](const auto* data) {
    const Ranking ranking = ranking_of(scores.shape(0), scores.shape(1), indptr, indices, allowed);
    const TopNOptions options = top_n_options(ranking, ids, values);
    const int threads = threads_for(ranking, n_threads);
    compute([&] { top_n(data, options, threads, signal_pending); });
  });
}

void bound_places(const py::array& scores, const py::array& asked_indptr,
                  const py::array& asked_indices, py::array& out, const OptionalArray& indptr,
                  const OptionalArray& indices, const OptionalArray& allowed, int n_threads) {
  with_scores(scores, [&](const auto* data) {
    const Ranking ranking = ranking_of(scores.shape(0), scores.shape(1), indptr, indices, allowed);
    const index_t n_indices = asked_indices.size();
    const PlacesOptions options{ranking,
                                index_array(asked_indptr, ranking.n_rows + 1, "asked_indptr"),
                                index_array(asked_indices, n_indices, "asked_indices"), n_indices,
                                write_pointer<std::int32_t>(out, n_indices, "out")};
    const int threads = threads_for(ranking, n_threads);
    compute([&] { places(data, options, threads, signal_pending); });
  });
}

template <class T>
void run_top_n_of_outputs(const Network& network, const py::array& parameters,
                          const RowSource& rows, const TopNOptions& options, int n_threads) {
  const index_t last = network.n_layers();
  const double work = static_cast<double>(rows.n_rows) * network.work(last - 1, last);
  const int threads = choose_threads(n_threads, work, kWorthATeam);
  TopN<T> best(options, threads);
  const InputOptions plain;
  ForwardCall<T> call{network, read_pointer<T>(parameters, network.n_parameters(), "parameters"),
                      rows,    last - 1,
                      last,    plain,
                      nullptr, &best};
  compute([&] { forward(call, threads, signal_pending); });
}

void top_n_of_outputs(const Network& network, const py::array& parameters, const py::object& x,
                      py::array& ids, py::array& values, const OptionalArray& indptr,
                      const OptionalArray& indices, const OptionalArray& allowed, int n_threads) {
  const Rows rows = rows_of(x, "hidden");
  const index_t n_in = network.layer(network.n_layers() - 1).n_in;
  AECORE_REQUIRE(!rows.source.sparse() && rows.source.n_columns == n_in,
                 "hidden must be an array with " + std::to_string(n_in) + " columns; got " +
                     std::to_string(rows.source.n_columns));
  const Ranking ranking = ranking_of(rows.source.n_rows, network.n_out(), indptr, indices, allowed);
  const TopNOptions options = top_n_options(ranking, ids, values);
  if (ranking.n_rows == 0) return;
  if (is_float32(parameters, "parameters")) {
    run_top_n_of_outputs<float>(network, parameters, rows.source, options, n_threads);
  } else {
    run_top_n_of_outputs<double>(network, parameters, rows.source, options, n_threads);
  }
}

}  // namespace

void bind_ranking(py::module_& m) {
  using py::arg;
  m.def("top_n", &bound_top_n, arg("scores").noconvert(), arg("ids").noconvert(),
        arg("values").noconvert(), py::kw_only(), arg("indptr") = py::none(),
        arg("indices") = py::none(), arg("allowed") = py::none(), arg("n_threads") = 0);
  m.def("places", &bound_places, arg("scores").noconvert(), arg("asked_indptr").noconvert(),
        arg("asked_indices").noconvert(), arg("out").noconvert(), py::kw_only(),
        arg("indptr") = py::none(), arg("indices") = py::none(), arg("allowed") = py::none(),
        arg("n_threads") = 0);
  m.def("top_n_of_outputs", &top_n_of_outputs, arg("network"), arg("parameters").noconvert(),
        arg("hidden").noconvert(), arg("ids").noconvert(), arg("values").noconvert(), py::kw_only(),
        arg("indptr") = py::none(), arg("indices") = py::none(), arg("allowed") = py::none(),
        arg("n_threads") = 0);
}

}  // namespace aecore
