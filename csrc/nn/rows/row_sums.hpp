// What each row of a batch counts and costs: its weight in J, its loss, and the sums of them, block
// of rows by block of rows, so that they depend on the rows alone.
#pragma once

#include <vector>

#include "core/memory.hpp"
#include "nn/data/batch.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class RowSums {
 public:
  /// For batches of up to `max_rows`, of which `chunk_rows` are in scratch together.
  RowSums(index_t max_rows, index_t chunk_rows);

  /// w_i of the batch's rows: 1/m, or the sample weights divided by their sum.
  void weigh(const Batch& batch);
  const T* weight(index_t first) const { return weight_.data() + first; }
  /// The same for a caller that changes them; the changes last until the next batch.
  T* changing_weights() {
    weighed_rows_ = 0;
    return weight_.data();
  }

  /// Losses of the rows of a chunk.
  double* loss() { return loss_.data(); }

  /// Sums w_i loss_i of a block's rows, and copies the losses to the batch's `row_loss`, if any.
  void add_losses(const RowBlock& block);
  /// Sums w_i sum_j |h_ij| over n columns; h begins with the chunk's first row.
  void add_sizes(const MatrixPanels<const T>& h, index_t n, const RowBlock& block);
  /// Sums w_i KL_i; `divergence` has KL_i by row of the chunk.
  void add_divergences(const double* divergence, const RowBlock& block);

  /// The sums over a batch of so many rows.
  double total_loss(index_t n_rows) const { return total(block_loss_, n_rows); }
  double total_size(index_t n_rows) const { return total(block_size_, n_rows); }
  double total_divergence(index_t n_rows) const { return total(block_divergence_, n_rows); }

 private:
  /// each(i) times w_i, summed by block, to `blocks`.
  template <class Each>
  void add(std::vector<double>& blocks, const RowBlock& block, Each each);
  static double total(const std::vector<double>& blocks, index_t n_rows);

  AlignedBuffer<T> weight_;
  AlignedBuffer<double> loss_;
  // By block of kStatisticsRows rows of the batch; 0 where nothing is added.
  std::vector<double> block_loss_, block_size_, block_divergence_;
  index_t weighed_rows_ = 0;  // weight_ holds 1 / this; 0: something else
};

}  // namespace aecore
