#include "bindings/data.hpp"

#include "bindings/binders.hpp"
#include "bindings/running.hpp"
#include "core/errors.hpp"
#include "nn/sparse/sparse_rows.hpp"

namespace aecore {

void check_columns(const RowSource& source, index_t n_columns) {
  AECORE_REQUIRE(source.n_columns == n_columns,
                 source.name + " has " + std::to_string(source.n_columns) +
                     " features, but the network expects " + std::to_string(n_columns));
}

void check_first_layer(const RowSource& source, const Network& network) {
  AECORE_REQUIRE(!source.sparse() || !network.layer(0).convolves(),
                 source.name + " must be dense where the first layer convolves; got sparse rows");
}

Selection::Selection(const Network& network, const Data& given) : x_(rows_of(given.x, "X")) {
  data.x = x_.source;
  data.n_rows = data.x.n_rows;
  AECORE_REQUIRE(data.n_rows > 0, "X must have at least one row; got 0");
  check_columns(data.x, network.n_in());
  check_first_layer(data.x, network);
  if (!given.target.is_none()) take_target(network, given.target);
  AECORE_REQUIRE(
      data.target != nullptr || network.n_in() == network.n_out() || !network.compares(),
      "target must be given where the network's output differs in size from its input (" +
          std::to_string(network.n_out()) + " and " + std::to_string(network.n_in()) + ")");
  take_clusters(network, given.target_distribution);
  if (given.sample_weight) {
    data.sample_weight = read_pointer<double>(*given.sample_weight, data.n_rows, "sample_weight");
  }
  if (given.rows) select(*given.rows);
}

void Selection::check_length(const RowSource& source) const {
  AECORE_REQUIRE(source.n_rows == data.x.n_rows, source.name + " must have as many rows as X (" +
                                                     std::to_string(data.x.n_rows) + "); got " +
                                                     std::to_string(source.n_rows));
}

void Selection::take_target(const Network& network, const py::object& rows) {
  target_ = rows_of(rows, "target");
  check_columns(target_.source, network.n_out());
  check_length(target_.source);
  data.target = &target_.source;
}

void Selection::take_clusters(const Network& network, const py::object& rows) {
  AECORE_REQUIRE((network.n_clusters() > 0) != rows.is_none(),
                 "target_distribution must be given exactly where the network has clusters");
  if (rows.is_none()) return;
  clusters_ = rows_of(rows, "target_distribution");
  const RowSource& p = clusters_.source;
  AECORE_REQUIRE(p.n_columns == network.n_clusters() && !p.sparse(),
                 "target_distribution must be dense with one column for each of the " +
                     std::to_string(network.n_clusters()) + " clusters; got " +
                     std::to_string(p.n_columns));
  check_length(p);
  data.clusters = &p;
}

void Selection::select(const py::array& rows) {
  data.n_rows = rows.size();
  data.rows = read_pointer<std::int64_t>(rows, data.n_rows, "rows");
  AECORE_REQUIRE(data.n_rows > 0, "rows must name at least one row; got none");
  for (index_t i = 0; i < data.n_rows; ++i) {
    AECORE_REQUIRE(data.rows[i] >= 0 && data.rows[i] < data.x.n_rows,
                   "rows must lie in [0, " + std::to_string(data.x.n_rows) + "); got " +
                       std::to_string(data.rows[i]));
  }
}

double* running_pointer(const Network& network, const ObjectiveOptions& objective,
                        OptionalArray& running) {
  if (!running) return nullptr;
  index_t n = 0;
  if (objective.sparse()) {
    for (const index_t l : objective.sparsity_layers) n += network.layer(l).n_out;
  }
  return write_pointer<double>(*running, n, "running");
}

namespace {

void check_sparse(const py::object& x, const std::string& name) {
  const Rows rows = rows_of(x, name);
  compute([&] { check_structure(rows.source); });
}

}  // namespace

void bind_data(py::module_& m) {
  using py::arg;
  py::class_<Data>(m, "Data")
      .def(py::init<py::object, py::object, OptionalArray, OptionalArray, py::object>(),
           arg("X").noconvert(), py::kw_only(), arg("target") = py::none(),
           arg("sample_weight") = py::none(), arg("rows") = py::none(),
           arg("target_distribution") = py::none())
      .def_readonly("X", &Data::x)
      .def_readonly("target", &Data::target)
      .def_readonly("sample_weight", &Data::sample_weight)
      .def_readonly("rows", &Data::rows)
      .def_readonly("target_distribution", &Data::target_distribution);
  m.def("check_sparse", &check_sparse, arg("X"), arg("name"));
}

}  // namespace aecore
