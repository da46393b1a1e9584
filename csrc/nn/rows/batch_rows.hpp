// The rows of a batch that are in scratch, as the first layer and the loss read them.
#pragma once

#include "nn/data/gradient_plan.hpp"
#include "nn/data/nonzero.hpp"
#include "nn/rows/entering.hpp"
#include "nn/sparse/sparse_batch.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class BatchRows {
 public:
  /// Room for the plan's chunks; a target that nothing is compared with is not kept.
  BatchRows(const Network& network, const ObjectiveOptions& options, const GradientPlan& plan);

  /// The sides that are sparse, which come in for all rows of a chunk at once.
  SparseBatch<T>& sparse() { return sparse_; }
  const SparseBatch<T>& sparse() const { return sparse_; }

  /// The dense sides of a block, checked.
  void gather(const RowBlock& block);

  /// Whether the rows are read as they lie: then only the first layer's sums tell if they are
  /// finite.
  bool in_place(const Batch& batch) const { return rows_as_they_lie(batch).data != nullptr; }

  /// The dense sides from a chunk's first row on.
  MatrixPanels<const T> input(const RowChunk& chunk) const;
  MatrixPanels<const T> target(const RowChunk& chunk) const;
  /// Of each feature in the loss; null where all have 1.
  MatrixPanels<const T> feature_weight() const;

 private:
  RowsInPlace<T> rows_as_they_lie(const Batch& batch) const;
  bool weighs_features() const { return network_.compares() && options_.weighs_features(); }
  bool has_target(const Batch& batch) const {
    return batch.data.target != nullptr || options_.changes_input();
  }

  const Network& network_;
  const ObjectiveOptions& options_;
  SparseBatch<T> sparse_;
  const bool keeps_target_;
  PanelMatrix<T> input_, target_;  // the target may be the input
  Nonzero<T> nonzero_;             // of the dense input
  PanelMatrix<T> feature_weight_;
};

}  // namespace aecore
