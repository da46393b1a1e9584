// Matrix product over panels: register tiles of up to kTileRows x 2 vectors. See calls.hpp for the
// layout and kSumBlock for the order of the sum.

/// One tile, one block of the sum: c (or c +=) = a b over k <= kSumBlock terms accumulated from
/// zero. `a` steps along a row of its panel (Transposed: down a column); `a_row` leads to the next
/// row, `a_stride` to the next panel.
template <class T, int MR, int NV, bool Transposed>
void micro_kernel(const T* a, index_t a_row, index_t a_stride, const T* b, index_t b_row, T* c,
                  index_t c_row, index_t k, bool add, Lines ahead) {
  constexpr index_t kW = kWidth<T>;
  tile<T, MR, NV>(c, c_row, add, ahead, [&](auto step) AECORE_INLINE_LAMBDA {
    if constexpr (Transposed) {
      for (; k > 0; --k, a += a_row, b += b_row) step(a, 1, b);
    } else {
      for (; k > 0; k -= kW, a += a_stride) {
        const index_t run = smaller(k, kW);
        for (index_t i = 0; i < run; ++i, b += b_row) step(a + i, a_row, b);
      }
    }
  });
  if (NV == kVectors || c_row != kW) return;
  AECORE_UNROLL
  for (int r = 0; r < MR; ++r) {
    AECORE_UNROLL
    for (int v = NV; v < kVectors; ++v) {
      store(c + r * kW + v * Simd<T>::kLanes, Vec<T>{});  // no junk
    }
  }
}

template <class T>
using MicroKernel = void (*)(const T*, index_t, index_t, const T*, index_t, T*, index_t, index_t,
                             bool, Lines);

/// The micro-kernels for 1..kTileRows rows, by [NV - 1][MR - 1].
template <class T, bool Transposed>
struct MicroKernels {
  MicroKernel<T> at[kVectors][kTileRows];
  template <int... R>
  static constexpr MicroKernels make(Rows<R...>) {
    return {
        {{&micro_kernel<T, R + 1, 1, Transposed>...}, {&micro_kernel<T, R + 1, 2, Transposed>...}}};
  }
};

/// The next part of the rows ahead, at most `lines` long.
inline Lines rows_ahead(RowFetch& f, index_t lines) {
  const index_t row =
      f.rows != nullptr ? f.rows[f.first_row + f.done_rows] : f.first_row + f.done_rows;
  const char* const from = f.data + row * f.row_stride + f.done_bytes;
  const index_t bytes = smaller(lines * 64, f.row_bytes - f.done_bytes);
  f.done_bytes += bytes;
  if (f.done_bytes >= f.row_bytes) {
    f.done_bytes = 0;
    ++f.done_rows;
  }
  return {from, from + bytes};
}

/// The kernels of one product: of tiles one and two vectors wide, and of those that leave zeros
/// out.
template <class T, bool Transposed>
struct ProductKernels {
  static constexpr auto kTiles = MicroKernels<T, Transposed>::make(TileHeights{});
  static constexpr auto kSkipping =
      SkippingKernels<T, Transposed>::make(CountTo<kTileRows - kFewRows>::type{});
};

/// One panel of C for one block of the sum; `counting`: the terms that count, by tile, `tile_words`
/// apart; or null. Not inline: there are two calls of it, and a call is nothing beside a panel.
template <class T, bool Transposed>
__attribute__((noinline)) void gemm_panel(const GemmCall<T>& call, index_t panel, index_t block,
                                          index_t terms, const std::uint32_t* counting,
                                          index_t tile_words, const char* next_b) {
  using Kernels = ProductKernels<T, Transposed>;
  constexpr index_t kW = kWidth<T>;
  const index_t column = panel * kW;
  const index_t columns = smaller(kW, call.column_end - column);
  const bool narrow = columns <= Simd<T>::kLanes;  // one vector is enough
  const bool last = block + terms >= call.k;
  const T* const b = call.b + panel * call.b_stride + block * call.b_row;
  // `next_b` is fetched while this block of B is used, unless all of B stays in the second-level
  // cache. Then the rows ahead have their turn.
  constexpr index_t kCached = 512 * 1024;
  constexpr index_t kRowBytes = kW * static_cast<index_t>(sizeof(T));
  const bool cached =
      (call.column_end - call.column_begin) * call.k < kCached / static_cast<index_t>(sizeof(T));
  const char* const end_b = cached ? next_b : next_b + terms * kRowBytes;
  const index_t n_words = (terms + kW - 1) / kW;
  index_t row = call.row_begin;
  while (row < call.row_end) {
    const index_t rows = rows_of_tile(call, row);
    const T* const a = Transposed
                           ? call.a + (row / kW) * call.a_stride + row % kW + block * call.a_row
                           : call.a + (block / kW) * call.a_stride + row * call.a_row;
    T* const c = call.c + panel * call.c_stride + (row - call.c_first_row) * call.c_row;
    const index_t taken = counting == nullptr ? terms : count_bits(counting, n_words);
    const bool skips = taken * 8 < terms * 7 && !narrow && rows > kFewRows;
    const index_t lines = skips ? 2 * taken : terms;
    Lines ahead{reinterpret_cast<const char*>(c), reinterpret_cast<const char*>(c)};  // nothing
    if (next_b < end_b) {
      ahead = {next_b, next_b + smaller(lines * 64, end_b - next_b)};
      next_b = ahead.end;
    } else if (call.ahead != nullptr && call.ahead->done_rows < call.ahead->n_rows) {
      ahead = rows_ahead(*call.ahead, lines);
    }
    if (last && call.prologue != nullptr) call.prologue(call.context, row, rows, column);
    const bool add = call.accumulate || block > 0;
    if (skips) {
      Kernels::kSkipping.at[rows - kFewRows - 1](a, call.a_row, call.a_stride, b, c, call.c_row,
                                                 counting, n_words, add, {ahead});
    } else {
      Kernels::kTiles.at[narrow ? 0 : 1][rows - 1](a, call.a_row, call.a_stride, b, call.b_row, c,
                                                   call.c_row, terms, add, ahead);
    }
    if (last && call.epilogue != nullptr) {
      call.epilogue(call.context, c, row, rows, column, columns);
    }
    row += rows;
    if (counting != nullptr) counting += tile_words;
  }
}

/// Panel by panel C stays in the first-level cache, and A passes by for each of them. Where A is
/// too large for the second level, block after block of the sum passes over all panels: C, a
/// smaller matrix, then comes and goes with each block (a backward product from 20,000 outputs: 1.5
/// times as fast). The order of each sum is the same.
template <class T, bool Transposed>
inline void multiply_panels(const GemmCall<T>& call) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLargeA = 2 * 1024 * 1024 / static_cast<index_t>(sizeof(T));
  const index_t first = call.column_begin / kW, end = (call.column_end + kW - 1) / kW;
  const bool blocks_first = (call.row_end - call.row_begin) * call.k > kLargeA;
  Terms counting;
  const auto run = [&](index_t panel, index_t block, const std::uint32_t* words) {
    const index_t terms = smaller(kSumBlock, call.k - block);
    const T* const b = call.b + panel * call.b_stride + block * call.b_row;
    const T* const next = blocks_first ? b + call.b_stride : b + terms * kW;
    gemm_panel<T, Transposed>(call, panel, block, terms, words, counting.n_words,
                              reinterpret_cast<const char*>(next));
  };
  if (blocks_first) {
    for (index_t block = 0; block < call.k; block += kSumBlock) {
      const bool known = counting.find(call, block, smaller(block + kSumBlock, call.k));
      for (index_t panel = first; panel < end; ++panel) {
        run(panel, block, known ? counting.words : nullptr);
      }
    }
  } else {
    const bool known = counting.find(call, 0, call.k);
    for (index_t panel = first; panel < end; ++panel) {
      for (index_t block = 0; block < call.k; block += kSumBlock) {
        run(panel, block, known ? counting.words + block / kW : nullptr);
      }
    }
  }
}

template <class T>
void gemm(const GemmCall<T>& call) {
  if (call.patches != nullptr) return multiply_patches(call);
  if (call.a_transposed) return multiply_panels<T, true>(call);
  multiply_panels<T, false>(call);
}

/// One row of A, straight from row-major W: nothing is packed for a single row. Chains blocks of
/// the sum, all full but the last of `k_last` terms, run side by side, so that a multiply-add need
/// not wait for the one before; they join `total` in order, as the tiles of gemm do.
template <class T, int NV, bool Tail, int Chains>
inline void row_chains(const T* x, index_t k_last, const T* w, index_t n, index_t tail,
                       Vec<T>* total, bool add) {
  constexpr int kLanes = Simd<T>::kLanes;
  Vec<T> sum[Chains][NV];
  AECORE_UNROLL
  for (int c = 0; c < Chains; ++c) {
    AECORE_UNROLL
    for (int v = 0; v < NV; ++v) sum[c][v] = Vec<T>{};
  }
  const auto step = [&](int chain, index_t i) AECORE_INLINE_LAMBDA {
    const T* const row = w + (chain * kSumBlock + i) * n;
    const Vec<T> xv = splat(x[chain * kSumBlock + i]);
    AECORE_UNROLL
    for (int v = 0; v < NV; ++v) {
      const bool partial = Tail && v == NV - 1;
      const Vec<T> wv = partial ? load_partial(row + v * kLanes, tail) : load(row + v * kLanes);
      sum[chain][v] = madd(xv, wv, sum[chain][v]);
    }
  };
  for (index_t i = 0; i < k_last; ++i) {
    AECORE_UNROLL
    for (int c = 0; c < Chains; ++c) step(c, i);
  }
  if constexpr (Chains > 1) {
    for (index_t i = k_last; i < kSumBlock; ++i) {
      AECORE_UNROLL
      for (int c = 0; c < Chains - 1; ++c) step(c, i);
    }
  }
  AECORE_UNROLL
  for (int c = 0; c < Chains; ++c) {
    AECORE_UNROLL
    for (int v = 0; v < NV; ++v) total[v] = add || c > 0 ? total[v] + sum[c][v] : sum[c][v];
  }
}

template <class T, int NV, bool Tail>
inline void row_panel(const T* x, index_t k, const T* w, index_t n, index_t tail, T* out) {
  constexpr int kChains = 4;
  Vec<T> total[NV] = {};
  for (index_t first = 0; first < k; first += kChains * kSumBlock) {
    const index_t terms = smaller(k - first, kChains * kSumBlock);
    const index_t chains = (terms + kSumBlock - 1) / kSumBlock;
    const index_t k_last = terms - (chains - 1) * kSumBlock;
    const T* const xi = x + first;
    const T* const wi = w + first * n;
    const bool add = first > 0;
    switch (chains) {
      case 1:
        row_chains<T, NV, Tail, 1>(xi, k_last, wi, n, tail, total, add);
        break;
      case 2:
        row_chains<T, NV, Tail, 2>(xi, k_last, wi, n, tail, total, add);
        break;
      case 3:
        row_chains<T, NV, Tail, 3>(xi, k_last, wi, n, tail, total, add);
        break;
      default:
        row_chains<T, NV, Tail, 4>(xi, k_last, wi, n, tail, total, add);
        break;
    }
  }
  AECORE_UNROLL
  for (int v = 0; v < NV; ++v) store(out + v * Simd<T>::kLanes, total[v]);
}

template <class T>
void row_times_matrix(const T* x, index_t k, const T* w, index_t n, T* out) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLanes = Simd<T>::kLanes;
  for (index_t column = 0; column < n; column += kW) {
    const index_t left = n - column;
    const index_t tail = left % kLanes;
    const T* const wj = w + column;
    T* const to = out + column;
    if (left >= kW) {
      row_panel<T, 2, false>(x, k, wj, n, 0, to);
    } else if (left > kLanes) {
      row_panel<T, 2, true>(x, k, wj, n, tail, to);
    } else if (tail == 0) {
      row_panel<T, 1, false>(x, k, wj, n, 0, to);
    } else {
      row_panel<T, 1, true>(x, k, wj, n, tail, to);
    }
  }
}
