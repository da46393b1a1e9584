// A batch of a user's rows: where it comes from, and the part of it that is in scratch, as the
// first layer and the loss read it.
#pragma once

#include "nn/entering.hpp"
#include "nn/nonzero.hpp"
#include "nn/objective.hpp"
#include "nn/panels.hpp"
#include "nn/source.hpp"

namespace aecore {

/// Rows with a target and weights of their own; `rows` selects and orders them. Not owning.
struct DataSet {
  RowSource x;
  const RowSource* target = nullptr;      // null: x itself, scaled
  const RowSource* clusters = nullptr;    // p, the target of a row's soft assignment to clusters
  const double* sample_weight = nullptr;  // by source row; null: all 1
  const index_t* rows = nullptr;          // null: all
  index_t n_rows = 0;                     // selected

  bool sparse_target() const { return (target != nullptr ? *target : x).sparse(); }
  /// `n` of the rows from position `first` on.
  RowRange range(index_t first, index_t n) const { return {rows, first, n, n_rows - first - n}; }
};

struct Batch {
  const DataSet& data;
  RowRange range;
  double* row_loss = nullptr;  // out, by row of the batch; may be null
  std::uint32_t epoch = 0;     // of noise, dropout and a Gaussian code
  double* running = nullptr;   // rho_hat of the batch before, by sparse layer, or NaN; updated
  double warm_up = 1;          // factor on the weight of a Gaussian code's divergence

  /// `n` rows of the batch, as rows of the data.
  RowRange part(index_t first, index_t n) const { return {range.rows, range.first + first, n, 0}; }
};

template <class T>
class BatchRows {
 public:
  /// Room for `n_rows` of a batch at a time; sides that are sparse are not kept here, nor a target
  /// that nothing is compared with.
  BatchRows(const Network& network, const ObjectiveOptions& options, index_t n_rows,
            bool separate_target, bool sparse_input, bool sparse_target);

  /// The dense sides of rows [first + row, first + row + rows) of the batch to scratch row `row`,
  /// checked.
  void gather(const Batch& batch, index_t first, index_t row, index_t rows);

  /// Whether the rows are read as they lie: then only the first layer's sums tell if they are
  /// finite.
  bool in_place(const Batch& batch) const { return rows_as_they_lie(batch).data != nullptr; }

  /// From row `first` of the batch on, which lies at scratch row 0.
  MatrixPanels<const T> input(const Batch& batch, index_t first) const;
  MatrixPanels<const T> target(const Batch& batch, index_t first) const;
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
  const bool sparse_input_, keeps_target_;
  PanelMatrix<T> input_, target_;  // the target may be the input
  Nonzero<T> nonzero_;             // of the dense input
  PanelMatrix<T> feature_weight_;
};

}  // namespace aecore
