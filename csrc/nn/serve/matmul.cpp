#include "nn/serve/matmul.hpp"

#include <algorithm>

#include "core/memory.hpp"
#include "kernels/dispatch.hpp"
#include "nn/data/source.hpp"

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

/// A where it lies, unless its rows alias.
template <class T>
void take_a(const T* a, index_t rows, index_t columns, AlignedBuffer<T>& scratch,
            GemmCall<T>& call) {
  const index_t width = kernels<T>().panel_width;
  const RowSource source = row_major(a, rows, columns);
  const RowsInPlace<T> in_place = rows_in_place<T>(source, {});
  call.a = in_place.data;
  call.a_row = in_place.row;
  call.a_stride = width;
  if (in_place.data != nullptr) return;
  call.a_row = width;
  call.a_stride = (rows | 1) * width;
  scratch.reserve(ceil_div(columns, width) * call.a_stride);
  gather_rows<T>(source, RowRange{nullptr, 0, rows, 0}, {}, false, scratch.data(), call.a_stride);
  call.a = scratch.data();
}

// B is read in place where it has few rows: many are many pages, and a panel's copy is cheap.
constexpr index_t kFewRows = 64;

}  // namespace

template <class T>
void matmul(Product product, const T* a, const T* b, T* c, index_t m, index_t k, index_t n) {
  static thread_local Scratch<T> scratch;
  const Kernels<T>& kernel = kernels<T>();
  const index_t width = kernel.panel_width;
  const bool whole_vectors = n % (width / 2) == 0;
  const bool b_in_place = whole_vectors && product != Product::backward && k <= kFewRows;
  GemmCall<T> call{};
  call.a_transposed = product == Product::weights;
  take_a(a, call.a_transposed ? k : m, call.a_transposed ? m : k, scratch.a, call);
  if (!b_in_place) scratch.b.reserve(k * width);
  if (!whole_vectors) scratch.c.reserve(m * width);
  call.row_end = m;
  call.k = k;
  for (index_t column = 0; column < n; column += width) {  // a panel at a time
    const index_t panel = column / width;
    call.b = b_in_place ? b + column : scratch.b.data();
    call.b_row = b_in_place ? n : width;
    if (product == Product::backward) {
      kernel.pack_transposed(b, n, k, panel, panel + 1, scratch.b.data());
    } else if (!b_in_place) {
      kernel.pack(b, k, n, panel, panel + 1, scratch.b.data());
    }
    call.c = whole_vectors ? c + column : scratch.c.data();
    call.c_row = whole_vectors ? n : width;
    call.column_end = std::min(width, n - column);
    kernel.gemm(call);
    if (!whole_vectors) {
      kernel.unpack(scratch.c.data(), 0, m, call.column_end, c + column, n);
    }
  }
}

template void matmul<float>(Product, const float*, const float*, float*, index_t, index_t, index_t);
template void matmul<double>(Product, const double*, const double*, double*, index_t, index_t,
                             index_t);

}  // namespace aecore
