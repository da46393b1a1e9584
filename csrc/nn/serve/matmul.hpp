// The matrix products of training on plain row-major operands, with all the packing they need: what
// tests compare with NumPy and benchmarks divide by the peak.
#pragma once

#include "kernels/table.hpp"

namespace aecore {

enum class Product {
  forward,   // C (m x n) = A (m x k) B (k x n):   activations x weights
  backward,  // C (m x n) = A (m x k) B^T, B (n x k): delta x transposed weights
  weights    // C (m x n) = A^T B, A (k x m), B (k x n): gradient of the weights
};

/// Scratch is kept between calls of one thread, as a training step keeps it.
template <class T>
void matmul(Product product, const T* a, const T* b, T* c, index_t m, index_t k, index_t n);

}  // namespace aecore
