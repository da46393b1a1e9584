// The sparsity term of a batch: rho_hat of its rows, summed while they are encoded, then KL and its
// slope by the unit.
#pragma once

#include <vector>

#include "nn/rows/hidden_rows.hpp"

namespace aecore {

template <class T>
class Sparsity {
 public:
  /// Room for batches of up to `max_rows`. Without a sparsity term there is nothing to call.
  Sparsity(const Network& network, const ObjectiveOptions& options, index_t max_rows);

  /// The last layer with the term, up to which rows are encoded before anything else; -1: none.
  index_t last() const { return last_; }

  /// Takes a block of rows into rho_hat; `row_weight` of all rows of the batch.
  void add_rows(const HiddenRows<T>& hidden, const T* row_weight, const RowBlock& block);

  /// Once all rows are in. `running`: rho_hat of the batch before, as in Batch; or null.
  void finish(index_t n_rows, double* running);

  double value() const { return value_; }
  /// beta KL'(rho_hat_j) by unit of the layer; null where it has no term.
  const T* penalty(index_t layer) const;

 private:
  const Network& network_;
  const ObjectiveOptions& options_;
  const index_t last_;
  double value_ = 0;
  std::vector<AlignedBuffer<T>> block_sums_;  // by sparse layer
  std::vector<AlignedBuffer<T>> penalty_;     // by layer, or empty
};

}  // namespace aecore
