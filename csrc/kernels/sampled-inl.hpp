// Products whose result, or whose right side, is wanted at the entries of a sparse matrix alone:
// the outputs that a loss counts, and the gradient of the weights behind them.

/// Entries [at, at + N) of one column. An entry has the same bits whatever N is.
template <class T, int N>
inline void sampled_group(const SampledCall<T>& c, index_t column, index_t at) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  const T* w = c.transposed + column * kW;
  const T* a[N];
  Vec<T> sum[N][kVectors] = {};
  AECORE_UNROLL
  for (int n = 0; n < N; ++n) a[n] = c.a + c.entries.row[at + n] * kW;
  index_t left = c.k;
  for (; left >= kW; left -= kW, w += c.transposed_stride) {
    AECORE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Vec<T> wv = load(w + v * kLanes);
      AECORE_UNROLL
      for (int n = 0; n < N; ++n) sum[n][v] = madd(load(a[n] + v * kLanes), wv, sum[n][v]);
    }
    AECORE_UNROLL
    for (int n = 0; n < N; ++n) a[n] += c.a_stride;
  }
  if (left > 0) {  // what is past the last column is junk, be it NaN
    AECORE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const IntVec<T> real = lanes_below<T>(left - v * kLanes);
      const Vec<T> wv = select<T>(real, load(w + v * kLanes), Vec<T>{});
      AECORE_UNROLL
      for (int n = 0; n < N; ++n) {
        const Vec<T> x = select<T>(real, load(a[n] + v * kLanes), Vec<T>{});
        sum[n][v] = madd(x, wv, sum[n][v]);
      }
    }
  }
  AECORE_UNROLL
  for (int n = 0; n < N; ++n) c.out[at + n] = lane_sum(sum[n][0] + sum[n][1]);
}

/// A row of W^T is taken once for all rows of A that have an entry in its column.
template <class T>
void sampled_gemm(const SampledCall<T>& c) {
  constexpr index_t kGroup = 4, kAhead = 4;
  for (index_t column = c.column_begin; column < c.column_end; ++column) {
    const index_t end = c.entries.begin[column + 1];
    index_t at = c.entries.begin[column];
    const index_t ahead = smaller(column + kAhead, c.column_end - 1);
    if (c.entries.begin[ahead] < c.entries.begin[ahead + 1]) {
      for (index_t i = 0; i < c.k; i += kWidth<T>) {
        fetch_row(c.transposed + i / kWidth<T> * c.transposed_stride + ahead * kWidth<T>);
      }
    }
    for (; at + kGroup <= end; at += kGroup) sampled_group<T, kGroup>(c, column, at);
    for (; at < end; ++at) sampled_group<T, 1>(c, column, at);
  }
}

/// Rows of C^T, one for each column of B, are what `sparse_gradient` makes; a block of them at a
/// time is turned over.
template <class T>
void sampled_gradient(const GemmCall<T>& call, const SparseColumns<T>& b) {
  constexpr index_t kW = kWidth<T>;
  T turned[kW * kW];
  for (index_t column = call.column_begin; column < call.column_end; column += kW) {
    const index_t columns = smaller(kW, call.column_end - column);
    for (index_t row = call.row_begin; row < call.row_end;) {
      const index_t rows = smaller(kW, call.row_end - row);
      T* c = call.c + column / kW * call.c_stride + (row - call.c_first_row) * kW;
      if (call.prologue != nullptr) call.prologue(call.context, row, rows, column);
      if (call.accumulate) transpose_block(c, kW, rows, columns, turned);
      for (index_t i = 0; i < columns; ++i) {
        sparse_gradient_row(b, column + i, call.a + row / kW * call.a_stride, call.a_row,
                            turned + i * kW, call.accumulate);
      }
      transpose_block(turned, kW, columns, rows, c);
      for (const index_t end = row + rows; row < end;) {  // the tiles of gemm
        const index_t height = tile_height(end - row);
        if (call.epilogue != nullptr) call.epilogue(call.context, c, row, height, column, columns);
        row += height;
        c += height * kW;
      }
    }
  }
}

template <class T>
void sparse_column_sums(const SparseColumns<T>& a, index_t column_begin, index_t column_end,
                        bool accumulate, T* out) {
  for (index_t column = column_begin; column < column_end; ++column, ++out) {
    T total = accumulate ? *out : T{0};
    for (index_t at = a.begin[column]; at < a.begin[column + 1];) {
      const index_t last = (a.row[at] / kSumBlock + 1) * kSumBlock;
      T sum = 0;
      for (; at < a.begin[column + 1] && a.row[at] < last; ++at) sum += a.value[at];
      total += sum;
    }
    *out = total;
  }
}
