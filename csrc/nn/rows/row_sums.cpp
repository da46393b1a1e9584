#include "nn/rows/row_sums.hpp"

#include <algorithm>

namespace aecore {

template <class T>
RowSums<T>::RowSums(index_t max_rows, index_t chunk_rows) : weight_(max_rows), loss_(chunk_rows) {
  blocks_.fill(std::vector<double>(static_cast<std::size_t>(ceil_div(max_rows, kStatisticsRows))));
}

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
  double sum = 0;
  for (index_t i = 0; i < range.n; ++i) sum += batch.sample_weight(i);
  const double scale = sum > 0 ? 1.0 / sum : 0.0;  // a batch of zero weights teaches nothing
  for (index_t i = 0; i < range.n; ++i) {
    weight_[i] = static_cast<T>(scale * batch.sample_weight(i));
  }
}

template <class T>
void RowSums<T>::add_losses(const RowBlock& block) {
  add(RowSum::loss, block, [&](index_t i) { return loss_[i]; });
  double* const out = block.batch().row_loss;
  if (out == nullptr) return;
  const double* const losses = loss_.data() + block.row;
  std::copy(losses, losses + block.rows, out + block.first());
}

template <class T>
void RowSums<T>::add_divergences(const double* divergence, const RowBlock& block) {
  add(RowSum::divergence, block, [&](index_t i) { return divergence[i]; });
}

template <class T>
double RowSums<T>::total(RowSum which, index_t n_rows) const {
  const std::vector<double>& blocks = blocks_[static_cast<std::size_t>(which)];
  double sum = 0;
  for (index_t b = 0; b < ceil_div(n_rows, kStatisticsRows); ++b) {
    sum += blocks[static_cast<std::size_t>(b)];
  }
  return sum;
}

template class RowSums<float>;
template class RowSums<double>;

}  // namespace aecore
