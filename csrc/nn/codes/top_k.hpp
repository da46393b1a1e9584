// k-sparse codes: the k largest units of each row are kept, the others become 0. A. Makhzani, B.
// Frey, "k-sparse autoencoders", ICLR 2014: largest by value, the lower index in a tie.
#pragma once

#include <vector>

#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class TopK {
 public:
  /// For rows of up to `n` units; nothing is allocated afterwards.
  void reserve(index_t n) { order_.reserve(static_cast<std::size_t>(n)); }

  /// Rows of `h` (and of their slopes, if there are any) but for the k largest of n units.
  void keep(MatrixPanels<T> h, MatrixPanels<T> slope, index_t rows, index_t n, index_t k);

 private:
  struct Unit {
    T value;
    index_t index;
  };
  std::vector<Unit> order_;
};

}  // namespace aecore
