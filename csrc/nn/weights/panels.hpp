// Panel matrices (see kernels/calls.hpp): the shape of all scratch.
#pragma once

#include "core/memory.hpp"
#include "kernels/dispatch.hpp"
#include "nn/model/network.hpp"

namespace aecore {

/// A view of rows in panels or in place (see GemmCall): row 0, the distance between rows and that
/// between panels. A view to read from is one of const T.
template <class T>
struct MatrixPanels {
  T* data = nullptr;
  index_t row = 0;
  index_t stride = 0;
  const std::uint32_t* nonzero = nullptr;  // which numbers are not 0 (see GemmCall), if known
  index_t nonzero_stride = 0;
};

/// The B of a product, in panels. `patches` says which columns of A meet it; null: all, in order.
template <class T>
struct PanelOperand {
  const T* data;
  index_t stride;
  const Patches* patches = nullptr;

  /// The same matrix where a product has it on the left.
  MatrixPanels<const T> as_rows() const { return {data, kernels<T>().panel_width, stride}; }
};

/// C = A B with `n` columns, sums over `k` numbers; the caller says which rows.
template <class T>
GemmCall<T> panel_product(const MatrixPanels<const T>& a, const PanelOperand<T>& b,
                          const MatrixPanels<T>& c, index_t k, index_t n) {
  GemmCall<T> call{};
  call.a = a.data;
  call.a_row = a.row;
  call.a_stride = a.stride;
  call.nonzero = a.nonzero;
  call.nonzero_stride = a.nonzero_stride;
  call.b = b.data;
  call.b_row = kernels<T>().panel_width;
  call.b_stride = b.stride;
  call.patches = b.patches;
  call.c = c.data;
  call.c_row = c.row;
  call.c_stride = c.stride;
  call.k = k;
  call.column_end = n;
  return call;
}

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
  MatrixPanels<const T> from_row(index_t r) const {
    return {row(r), kernels<T>().panel_width, stride_};
  }
  MatrixPanels<T> into_row(index_t r) { return {row(r), kernels<T>().panel_width, stride_}; }

 private:
  index_t stride_ = 0;
  AlignedBuffer<T> buffer_;
};

}  // namespace aecore
