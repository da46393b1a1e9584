#include "nn/codes/top_k.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace aecore {

template <class T>
void TopK<T>::keep(MatrixPanels<T> h, MatrixPanels<T> slope, index_t rows, index_t n, index_t k) {
  const index_t width = kernels<T>().panel_width;
  const auto place = [&](const MatrixPanels<T>& m, index_t r, index_t j) {
    return m.data + j / width * m.stride + r * m.row + j % width;
  };
  for (index_t r = 0; r < rows; ++r) {
    order_.clear();
    for (index_t j = 0; j < n; ++j) {
      const T value = *place(h, r, j);  // NaN has no place in an order
      order_.push_back({std::isnan(value) ? std::numeric_limits<T>::infinity() : value, j});
    }
    const auto before = [](const Unit& a, const Unit& b) {
      return a.value > b.value || (a.value == b.value && a.index < b.index);
    };
    std::nth_element(order_.begin(), order_.begin() + (k - 1), order_.end(), before);
    for (auto unit = order_.begin() + k; unit != order_.end(); ++unit) {
      *place(h, r, unit->index) = T{0};
      if (slope.data != nullptr) *place(slope, r, unit->index) = T{0};
    }
  }
}

template class TopK<float>;
template class TopK<double>;

}  // namespace aecore
