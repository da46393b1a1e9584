// What each row of a batch counts and costs: its weight in J, its loss, and the sums of them, block
// of rows by block of rows, so that they depend on the rows alone.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "core/memory.hpp"
#include "nn/data/batch.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

/// What is summed over a batch's rows, each times w_i.
enum class RowSum { loss, size, divergence, count };

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
  /// Sums w_i KL_i; `divergence` has KL_i by row of the chunk.
  void add_divergences(const double* divergence, const RowBlock& block);
  /// Sums w_i sum_j each(h_ij) over n columns; h begins with the chunk's first row.
  template <class Each>
  void add_units(RowSum which, const MatrixPanels<const T>& h, index_t n, const RowBlock& block,
                 Each each) {
    const index_t width = kernels<T>().panel_width;
    add(which, block, [&](index_t i) {
      double sum = 0;
      for (index_t j = 0; j < n; ++j) {
        const T* const row = h.data + j / width * h.stride + i * h.row;
        sum += each(static_cast<double>(row[j % width]));
      }
      return sum;
    });
  }

  /// The sum over a batch of so many rows.
  double total(RowSum which, index_t n_rows) const;

 private:
  /// each(i) times w_i, summed by block.
  template <class Each>
  void add(RowSum which, const RowBlock& block, Each each) {
    const index_t first = block.chunk.first, end = block.row + block.rows;
    for (index_t begin = block.row; begin < end; begin += kStatisticsRows) {
      double sum = 0;
      for (index_t i = begin; i < std::min(end, begin + kStatisticsRows); ++i) {
        sum += static_cast<double>(weight_[first + i]) * each(i);
      }
      of(which)[static_cast<std::size_t>((first + begin) / kStatisticsRows)] = sum;
    }
  }
  std::vector<double>& of(RowSum which) { return blocks_[static_cast<std::size_t>(which)]; }

  AlignedBuffer<T> weight_;
  AlignedBuffer<double> loss_;
  // By block of kStatisticsRows rows of the batch; 0 where nothing is added.
  std::array<std::vector<double>, static_cast<std::size_t>(RowSum::count)> blocks_;
  index_t weighed_rows_ = 0;  // weight_ holds 1 / this; 0: something else
};

}  // namespace aecore
