// One row through a range of layers, straight from the row-major weights: how a single row is
// served. A row gets the bits it has in a batch.
#pragma once

#include "core/memory.hpp"
#include "nn/codes/top_k.hpp"
#include "nn/model/network.hpp"

namespace aecore {

template <class T>
class RowForward {
 public:
  /// Room for layers [first, last) of the network; nothing is allocated afterwards.
  void reserve(const Network& network, index_t first, index_t last);

  /// out = layers [first, last) applied to x, which is read in place and must not overlap out.
  /// False, and out is worthless, where x holds NaN or infinity. The caller flushes subnormals.
  bool run(const Network& network, const T* parameters, index_t first, index_t last, const T* x,
           T* out);

 private:
  void multiply(const T* x, const Layer& layer, const T* weights, bool may_skip, T* out);

  void multiply_tied(const T* x, const Layer& layer, const T* weights, T* out);

  index_t width_ = 0;  // of each half of rows_
  AlignedBuffer<T> rows_;
  AlignedBuffer<std::int32_t> nonzero_;
  AlignedBuffer<T> panel_;  // of W^T, for tied layers
  TopK<T> top_k_;
};

}  // namespace aecore
