// Products with sparse rows, whose entries come column by column: each row of B (W forward, a tile
// of the gradient backward) is taken once, for all rows of the batch that have an entry in its
// column. The sums run in the order of gemm, block by block; what is left out would have added
// nothing.

/// Runs the call's epilogue over a panel of C that is computed already.
template <class T>
inline void finish_panel(const GemmCall<T>& call, index_t panel) {
  constexpr index_t kW = kWidth<T>;
  const index_t column = panel * kW;
  for (index_t row = call.row_begin; row < call.row_end;) {
    const index_t rows = tile_height(call.row_end - row);
    T* const c = call.c + panel * call.c_stride + (row - call.c_first_row) * kW;
    call.epilogue(call.context, c, row, rows, column, smaller(kW, call.column_end - column));
    row += rows;
  }
}

template <class T>
void finish(const GemmCall<T>& call) {
  constexpr index_t kW = kWidth<T>;
  for (index_t panel = call.column_begin / kW; panel * kW < call.column_end; ++panel) {
    finish_panel(call, panel);
  }
}

/// Rows of B are short and many are skipped: the processor cannot guess which one comes next.
constexpr index_t kRowsAhead = 16;
template <class T>
inline void fetch_row(const T* row) {
  for (index_t i = 0; i < kWidth<T>; i += 64 / index_t{sizeof(T)})
    __builtin_prefetch(row + i, 0, 3);
}

/// One panel of C. Sums of the block at hand are in `part`, those before it in C.
template <class T>
inline void sparse_panel(const SparseColumns<T>& a, const T* b, index_t k, T* c, T* part,
                         index_t rows) {
  constexpr int kLanes = Simd<T>::kLanes;
  constexpr index_t kW = kWidth<T>;
  const index_t* const begin = a.begin;
  const std::int32_t* const row = a.row;
  const T* const value = a.value;
  for (index_t i = 0; i < rows * kW; i += kLanes) {
    store(c + i, Vec<T>{});
    store(part + i, Vec<T>{});
  }
  for (index_t block = 0; block * kSumBlock < k; ++block) {
    const index_t end = smaller(k, (block + 1) * kSumBlock);
    for (index_t column = block * kSumBlock; column < end; ++column) {
      const index_t ahead = smaller(column + kRowsAhead, k - 1);
      if (begin[ahead] < begin[ahead + 1]) fetch_row(b + ahead * kW);
      const index_t last = begin[column + 1];
      if (begin[column] == last) continue;
      Vec<T> w[kVectors];
      for (int v = 0; v < kVectors; ++v) w[v] = load(b + column * kW + v * kLanes);
      for (index_t at = begin[column]; at < last; ++at) {
        const Vec<T> x = splat(value[at]);
        T* const sum = part + row[at] * kW;
        for (int v = 0; v < kVectors; ++v) {
          store(sum + v * kLanes, madd(x, w[v], load(sum + v * kLanes)));
        }
      }
    }
    for (index_t at = a.block_begin[block]; at < a.block_begin[block + 1]; ++at) {
      const index_t first = a.block_row[at] * kW;
      for (index_t i = first; i < first + kW; i += kLanes) {
        store(c + i, load(c + i) + load(part + i));
        store(part + i, Vec<T>{});
      }
    }
  }
}

template <class T>
void sparse_gemm(const GemmCall<T>& call, const SparseColumns<T>& a, T* part) {
  constexpr index_t kW = kWidth<T>;
  for (index_t panel = call.column_begin / kW; panel * kW < call.column_end; ++panel) {
    sparse_panel(a, call.b + panel * call.b_stride, call.k, call.c + panel * call.c_stride, part,
                 call.row_end);
  }
}

/// One row of C: the sum over the entries of one column of A.
template <class T>
inline void sparse_gradient_row(const SparseColumns<T>& a, index_t column, const T* b,
                                index_t b_row, T* c, bool accumulate) {
  constexpr int kLanes = Simd<T>::kLanes;
  Vec<T> total[kVectors] = {};
  if (accumulate) {
    for (int v = 0; v < kVectors; ++v) total[v] = load(c + v * kLanes);
  }
  const index_t end = a.begin[column + 1];
  for (index_t at = a.begin[column]; at < end;) {
    const index_t last = (a.row[at] / kSumBlock + 1) * kSumBlock;
    Vec<T> sum[kVectors] = {};
    for (; at < end && a.row[at] < last; ++at) {
      const Vec<T> x = splat(a.value[at]);
      for (int v = 0; v < kVectors; ++v) {
        sum[v] = madd(x, load(b + a.row[at] * b_row + v * kLanes), sum[v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) total[v] += sum[v];
  }
  for (int v = 0; v < kVectors; ++v) store(c + v * kLanes, total[v]);
}

template <class T>
void sparse_gradient(const GemmCall<T>& call, const SparseColumns<T>& a) {
  constexpr index_t kW = kWidth<T>;
  for (index_t panel = call.column_begin / kW; panel * kW < call.column_end; ++panel) {
    const T* const b = call.b + panel * call.b_stride;
    const index_t column = panel * kW;
    for (index_t row = call.row_begin; row < call.row_end;) {
      // The same tiles as in gemm: an update sums weights by tile, and the bits must agree.
      const index_t rows = tile_height(smaller(call.row_end, (row / kW + 1) * kW) - row);
      T* const c = call.c + panel * call.c_stride + (row - call.c_first_row) * call.c_row;
      if (call.prologue != nullptr) call.prologue(call.context, row, rows, column);
      for (index_t r = 0; r < rows; ++r) {
        sparse_gradient_row(a, row + r, b, call.b_row, c + r * call.c_row, call.accumulate);
      }
      if (call.epilogue != nullptr) {
        call.epilogue(call.context, c, row, rows, column, smaller(kW, call.column_end - column));
      }
      row += rows;
    }
  }
}
