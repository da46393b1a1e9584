#include "nn/terms/trimming.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace aecore {

namespace {

// Of sums of weights such as 0.1, three tenths of ten of which are three of them.
constexpr double kRounding = 1e-12;

}  // namespace

template <class T>
Trimming<T>::Trimming(double fraction, index_t max_rows)
    : fraction_(fraction), loss_(static_cast<std::size_t>(max_rows)) {
  order_.reserve(loss_.size());
}

template <class T>
void Trimming<T>::take(const double* loss, index_t first, index_t n) {
  for (index_t i = 0; i < n; ++i) {  // NaN has no place in an order
    loss_[static_cast<std::size_t>(first + i)] =
        std::isnan(loss[i]) ? std::numeric_limits<double>::infinity() : loss[i];
  }
}

template <class T>
void Trimming<T>::run(T* weight, const Batch& batch) {
  const index_t n_rows = batch.range.n;
  order_.clear();
  double sum = 0, all = 0;
  for (index_t i = 0; i < n_rows; ++i) {
    sum += static_cast<double>(weight[i]);
    all += batch.sample_weight(i);
    if (weight[i] > 0) order_.push_back(i);
  }
  std::sort(order_.begin(), order_.end(), [this](index_t a, index_t b) {
    const double loss_a = loss_[static_cast<std::size_t>(a)];
    const double loss_b = loss_[static_cast<std::size_t>(b)];
    return loss_a > loss_b || (loss_a == loss_b && a > b);
  });
  const double most = fraction_ * all * (1 + kRounding);
  double left_out = 0;
  const auto last = order_.empty() ? order_.end() : order_.end() - 1;  // one row stays
  auto row = order_.begin();
  for (; row != last; ++row) {
    left_out += batch.sample_weight(*row);
    if (left_out > most) break;
    weight[*row] = 0;
  }
  if (row == order_.begin()) return;
  double kept = 0;  // in the order of the rows, which no selection changes
  for (index_t i = 0; i < n_rows; ++i) kept += static_cast<double>(weight[i]);
  const double scale = sum / kept;
  for (index_t i = 0; i < n_rows; ++i) {
    weight[i] = static_cast<T>(scale * static_cast<double>(weight[i]));
  }
}

template class Trimming<float>;
template class Trimming<double>;

}  // namespace aecore
