#include "nn/rows/row_sums.hpp"

#include <algorithm>
#include <cmath>

namespace aecore {

template <class T>
RowSums<T>::RowSums(index_t max_rows, index_t chunk_rows)
    : weight_(max_rows),
      loss_(chunk_rows),
      block_loss_(static_cast<std::size_t>(ceil_div(max_rows, kStatisticsRows))),
      block_size_(block_loss_.size()),
      block_divergence_(block_loss_.size()) {}

template <class T>
void RowSums<T>::weigh(const Batch& batch) {
  const RowRange& range = batch.range;
  if (batch.data.sample_weight == nullptr) {
    if (weighed_rows_ == range.n) return;
    std::fill(weight_.data(), weight_.data() + range.n,
              static_cast<T>(1.0 / static_cast<double>(range.n)));
    weighed_rows_ = range.n;
    return;
  }
  weighed_rows_ = 0;
  const auto source_row = [&](index_t i) {
    return range.rows != nullptr ? range.rows[range.first + i] : range.first + i;
  };
  double sum = 0;
  for (index_t i = 0; i < range.n; ++i) sum += batch.data.sample_weight[source_row(i)];
  const double scale = sum > 0 ? 1.0 / sum : 0.0;  // a batch of zero weights teaches nothing
  for (index_t i = 0; i < range.n; ++i) {
    weight_[i] = static_cast<T>(scale * batch.data.sample_weight[source_row(i)]);
  }
}

template <class T>
template <class Each>
void RowSums<T>::add(std::vector<double>& blocks, const RowBlock& block, Each each) {
  const index_t first = block.chunk.first, end = block.row + block.rows;
  for (index_t begin = block.row; begin < end; begin += kStatisticsRows) {
    double sum = 0;
    for (index_t i = begin; i < std::min(end, begin + kStatisticsRows); ++i) {
      sum += static_cast<double>(weight_[first + i]) * each(i);
    }
    blocks[static_cast<std::size_t>((first + begin) / kStatisticsRows)] = sum;
  }
}

template <class T>
void RowSums<T>::add_losses(const RowBlock& block) {
  add(block_loss_, block, [&](index_t i) { return loss_[i]; });
  double* const out = block.batch().row_loss;
  if (out == nullptr) return;
  const double* const losses = loss_.data() + block.row;
  std::copy(losses, losses + block.rows, out + block.first());
}

template <class T>
void RowSums<T>::add_sizes(const MatrixPanels<const T>& h, index_t n, const RowBlock& block) {
  const index_t width = kernels<T>().panel_width;
  add(block_size_, block, [&](index_t i) {
    double size = 0;
    for (index_t j = 0; j < n; ++j) {
      size += std::abs(static_cast<double>(h.data[j / width * h.stride + i * h.row + j % width]));
    }
    return size;
  });
}

template <class T>
void RowSums<T>::add_divergences(const double* divergence, const RowBlock& block) {
  add(block_divergence_, block, [&](index_t i) { return divergence[i]; });
}

template <class T>
double RowSums<T>::total(const std::vector<double>& blocks, index_t n_rows) {
  double sum = 0;
  for (index_t b = 0; b < ceil_div(n_rows, kStatisticsRows); ++b) {
    sum += blocks[static_cast<std::size_t>(b)];
  }
  return sum;
}

template class RowSums<float>;
template class RowSums<double>;

}  // namespace aecore
