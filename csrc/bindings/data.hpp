// The rows of one call: a user's arrays, and what the core makes of them once a network has checked
// them.
#pragma once

#include "bindings/arrays.hpp"
#include "nn/data/batch.hpp"
#include "nn/model/objective.hpp"

namespace aecore {

using OptionalArray = std::optional<py::array>;

/// A user's arrays as they are, side by side.
struct Data {
  py::object x, target;
  OptionalArray sample_weight, rows;
  py::object target_distribution;
};

void check_columns(const RowSource& source, index_t n_columns);
void check_first_layer(const RowSource& source, const Network& network);

/// The rows of X that an index array selects (or all), with target and weights, checked against the
/// network. The arrays must outlive it.
class Selection {
 public:
  DataSet data;

  Selection(const Network& network, const Data& given);
  Selection(const Selection&) = delete;  // data points into it

 private:
  void check_length(const RowSource& source) const;
  void take_target(const Network& network, const py::object& rows);
  void take_clusters(const Network& network, const py::object& rows);
  void select(const py::array& rows);

  Rows x_, target_, clusters_;
};

/// rho_hat of the batch before: one number for each unit of the sparse layers, NaN where there was
/// none; null without it.
double* running_pointer(const Network& network, const ObjectiveOptions& objective,
                        OptionalArray& running);

}  // namespace aecore
