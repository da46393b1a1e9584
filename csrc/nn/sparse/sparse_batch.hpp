// The sparse sides of a batch: rows that enter, rows that the output is compared with, or both.
#pragma once

#include "core/threads.hpp"
#include "nn/data/gradient_plan.hpp"
#include "nn/sparse/sparse_rows.hpp"
#include "nn/weights/panels.hpp"
#include "nn/weights/weights.hpp"

namespace aecore {

/// Throws where sparse rows are asked for what only dense ones can do. `target` may be null.
void check_sparse_rows(const RowSource& x, const RowSource* target,
                       const ObjectiveOptions& options);
/// The same for rows that enter and are compared with nothing.
void check_sparse_input(const RowSource& x, const InputOptions& input);

template <class T>
class SparseBatch {
 public:
  SparseBatch(const Network& network, const ObjectiveOptions& options, const GradientPlan& plan);

  bool input() const { return input_; }
  bool target() const { return target_; }

  /// Gathers the sparse sides of a chunk in canonical form, and what enters column by column, too.
  /// Does nothing where neither side is sparse.
  void gather(Team& team, const RowChunk& chunk);

  /// C = A B (rows x k, k x n), a panel of columns at a time, then the epilogue if there is one.
  struct Product {
    const SparseColumns<T>& a;
    const PanelOperand<T> b;
    const MatrixPanels<T> c;
    index_t rows, k, n;
  };
  void multiply(Team& team, const Product& product, Epilogue<T> epilogue, const void* context);

  /// As of the last gather.
  const SparseColumns<T>& by_column() const { return by_column_; }
  const SparseTarget<T>& as_target() const { return as_target_; }
  EntryRows<T> target_rows() const { return (apart_ ? compared_ : entering_).clean(); }

 private:
  const ObjectiveOptions& options_;
  const bool input_, target_;
  const index_t block_rows_;
  const InputOptions unscaled_;  // of a target of its own
  SparseRows<T> entering_, compared_;
  SparseColumns<T> by_column_{};
  bool apart_ = false;  // the target is a matrix of its own
  SparseTarget<T> as_target_{};
  std::vector<AlignedBuffer<T>> part_;  // by worker: sums of the block at hand
};

}  // namespace aecore
