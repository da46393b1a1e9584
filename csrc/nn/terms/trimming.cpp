#include "nn/terms/trimming.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace aecore {

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
void Trimming<T>::run(T* weight, index_t n_rows) {
  order_.clear();
  double sum = 0;
  for (index_t i = 0; i < n_rows; ++i) {
    sum += static_cast<double>(weight[i]);
    if (weight[i] > 0) order_.push_back(i);
  }
  const auto left_out =
      static_cast<index_t>(std::floor(fraction_ * static_cast<double>(order_.size())));
  if (left_out == 0) return;
  const auto before = [this](index_t a, index_t b) {
    const double loss_a = loss_[static_cast<std::size_t>(a)];
    const double loss_b = loss_[static_cast<std::size_t>(b)];
    return loss_a < loss_b || (loss_a == loss_b && a < b);
  };
  const auto first_left_out = order_.end() - left_out;
  std::nth_element(order_.begin(), first_left_out, order_.end(), before);
  for (auto row = first_left_out; row != order_.end(); ++row) weight[*row] = 0;
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
