#include "nn/matmul.hpp"

#include <algorithm>

#include "nn/panels.hpp"
#include "nn/source.hpp"

namespace aecore {

namespace {

template <class T>
RowSource row_major(const T* data, index_t rows, index_t columns) {
  RowSource source;
  source.data = reinterpret_cast<const char*>(data);
  source.element = sizeof(T) == 4 ? Element::float32 : Element::float64;
  source.n_rows = rows;
  source.n_columns = columns;
  source.column_stride = sizeof(T);
  source.row_stride = columns * index_t{sizeof(T)};
  return source;
}

template <class T>
struct Scratch {
  AlignedBuffer<T> a, b, c;
};

}  // namespace

template <class T>
void matmul(Product product, const T* a, const T* b, T* c, index_t m, index_t k, index_t n) {
  static thread_local Scratch<T> scratch;
  const Kernels<T>& kernel = kernels<T>();
  const index_t width = kernel.panel_width;
  const bool transposed = product == Product::weights;
  const index_t a_rows = transposed ? k : m;
  const index_t a_columns = transposed ? m : k;
  const index_t n_panels = ceil_div(n, width);
  GemmCall<T> call{};
  call.a_stride = (a_rows | 1) * width;
  call.b_stride = k * width;
  call.c_stride = (m | 1) * width;
  scratch.a.reserve(ceil_div(a_columns, width) * call.a_stride);
  scratch.b.reserve(n_panels * call.b_stride);
  scratch.c.reserve(n_panels * call.c_stride);
  gather_rows<T>(row_major(a, a_rows, a_columns), RowRange{nullptr, 0, a_rows, 0}, 1.0, false,
                 scratch.a.data(), call.a_stride);
  if (product == Product::backward) {
    kernel.pack_transposed(b, n, k, 0, n_panels, scratch.b.data());
  } else {
    kernel.pack(b, k, n, 0, n_panels, scratch.b.data());
  }
  call.a = scratch.a.data();
  call.a_transposed = transposed;
  call.b = scratch.b.data();
  call.c = scratch.c.data();
  call.row_end = m;
  call.k = k;
  call.column_end = n;
  kernel.gemm(call);
  kernel.unpack(scratch.c.data(), call.c_stride, m, n, c, n);
}

template void matmul<float>(Product, const float*, const float*, float*, index_t, index_t, index_t);
template void matmul<double>(Product, const double*, const double*, double*, index_t, index_t,
                             index_t);

}  // namespace aecore
