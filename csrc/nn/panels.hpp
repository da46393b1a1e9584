// Panel matrices (see kernels/table.hpp) and packed weights: the shapes of all scratch.
#pragma once

#include "core/memory.hpp"
#include "kernels/dispatch.hpp"
#include "nn/network.hpp"

namespace aecore {

/// A view of rows in panels: row 0 and the distance between panels.
template <class T>
struct MatrixPanels {
  T* data = nullptr;
  index_t stride = 0;
};

/// `rows` x `columns` numbers in panels, owning.
template <class T>
class PanelMatrix {
 public:
  PanelMatrix() = default;
  PanelMatrix(index_t rows, index_t columns)
      : stride_((rows | 1) * kernels<T>().panel_width),  // odd: panels must not alias in the cache
        buffer_(checked_mul(ceil_div(columns, kernels<T>().panel_width), stride_)) {}

  T* row(index_t r) { return buffer_.data() + r * kernels<T>().panel_width; }
  const T* row(index_t r) const { return buffer_.data() + r * kernels<T>().panel_width; }
  index_t stride() const { return stride_; }
  MatrixPanels<T> from_row(index_t r) { return {row(r), stride_}; }

 private:
  index_t stride_ = 0;
  AlignedBuffer<T> buffer_;
};

/// One matrix of weights as the B of a product: W forward, W^T backward.
template <class T>
class PackedWeights {
 public:
  PackedWeights() = default;
  PackedWeights(const Layer& layer, bool transposed)
      : k_(transposed ? layer.n_out : layer.n_in),
        n_(transposed ? layer.n_in : layer.n_out),
        transposed_(transposed),
        buffer_(checked_mul(n_panels(), k_ * kernels<T>().panel_width)) {}

  index_t n_panels() const { return ceil_div(n_, kernels<T>().panel_width); }
  index_t stride() const { return k_ * kernels<T>().panel_width; }
  const T* data() const { return buffer_.data(); }
  /// Panels [begin, end) from row-major W.
  void pack(const T* w, index_t begin, index_t end) {
    const Kernels<T>& k = kernels<T>();
    if (transposed_) {
      k.pack_transposed(w, n_, k_, begin, end, buffer_.data());
    } else {
      k.pack(w, k_, n_, begin, end, buffer_.data());
    }
  }

 private:
  index_t k_ = 0, n_ = 0;
  bool transposed_ = false;
  AlignedBuffer<T> buffer_;
};

}  // namespace aecore
