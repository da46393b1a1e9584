// Where the rows that a dense first layer reads are not 0: its products leave the zeros out
// (kernels/nonzero-inl.hpp).
#pragma once

#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class Nonzero {
 public:
  Nonzero() = default;
  /// For `rows` rows that `layer` reads. Where a product has few columns, or
  /// few terms, looking takes longer than it saves: then no row is looked at.
  Nonzero(const Layer& layer, index_t rows) : n_columns_(layer.n_in), n_rows_(rows) {
    const index_t width = kernels<T>().panel_width;
    if (layer.convolves() || layer.n_in < 2 * width || 2 * layer.n_out <= width) return;
    words_ = AlignedBuffer<std::uint32_t>(checked_mul(ceil_div(layer.n_in, width), rows));
  }

  /// Looks at rows [row, row + rows) of x.
  void find(const MatrixPanels<const T>& x, index_t row, index_t rows) {
    if (words_.size() == 0) return;
    kernels<T>().find_nonzero_columns(
        {x.data + row * x.row, x.row, x.stride, rows, n_columns_, words_.data() + row, n_rows_});
  }

  /// x, with what was found.
  MatrixPanels<const T> known(MatrixPanels<const T> x) const {
    if (words_.size() == 0) return x;
    x.nonzero = words_.data();
    x.nonzero_stride = n_rows_;
    return x;
  }

 private:
  index_t n_columns_ = 0, n_rows_ = 0;
  AlignedBuffer<std::uint32_t> words_;  // by panel, then by row
};

}  // namespace aecore
