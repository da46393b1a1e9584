// Products of one row: over its nonzero elements alone; and a step on it, straight on the weights
// in panels, where each weight is read once on the way forward and once on the way back, where it
// is updated in passing.

/// Indices first, first + 1, ... of the lanes that are not zero; returns their number. An
/// instruction set may overload it.
template <class V>
inline index_t store_nonzero(V v, std::int32_t first, std::int32_t* out) {
  index_t n = 0;
  for (unsigned i = 0; i < sizeof v / sizeof v[0]; ++i) {  // no branch to mispredict
    out[n] = first + static_cast<std::int32_t>(i);
    n += v[i] != 0;
  }
  return n;
}

template <class T>
index_t find_nonzero(const T* x, index_t n, std::int32_t* out) {
  constexpr index_t kLanes = Simd<T>::kLanes;
  index_t found = 0;
  for (index_t i = 0; i < n; i += kLanes) {
    const Vec<T> v = n - i >= kLanes ? load(x + i) : load_partial(x + i, n - i);
    found += store_nonzero(v, static_cast<std::int32_t>(i), out + found);
  }
  return found;
}

/// One panel of x W. The elements that are skipped would add nothing, so the bits are those of
/// row_times_matrix.
template <class T, bool Whole>
inline void sparse_row_panel(const SparseRow<T>& x, const T* w, index_t w_row, index_t columns,
                             T* out) {
  constexpr int kLanes = Simd<T>::kLanes;
  Vec<T> total[kVectors] = {};
  index_t at = 0;
  while (at < x.n_nonzero) {  // a block of the sum
    const index_t last = (x.nonzero[at] / kSumBlock + 1) * kSumBlock;
    Vec<T> sum[kVectors] = {};
    for (; at < x.n_nonzero && x.nonzero[at] < last; ++at) {
      const index_t i = x.nonzero[at];
      const Vec<T> xv = splat(x.x[i]);
      Vec<T> wv[kVectors];
      if constexpr (Whole) {
        for (int v = 0; v < kVectors; ++v) wv[v] = load(w + i * w_row + v * kLanes);
      } else {
        load_panel(w + i * w_row, columns, wv);
      }
      for (int v = 0; v < kVectors; ++v) sum[v] = madd(xv, wv[v], sum[v]);
    }
    for (int v = 0; v < kVectors; ++v) total[v] += sum[v];
  }
  for (int v = 0; v < kVectors; ++v) store(out + v * kLanes, total[v]);
}

template <class T>
void sparse_row_times_matrix(const SparseRow<T>& x, const T* w, index_t row, index_t stride,
                             index_t n, T* out) {
  constexpr index_t kW = kWidth<T>;
  for (index_t column = 0; column < n; column += kW, w += stride, out += kW) {
    if (n - column >= kW) {
      sparse_row_panel<T, true>(x, w, row, kW, out);
    } else {
      sparse_row_panel<T, false>(x, w, row, n - column, out);
    }
  }
}

/// Rows [row, row + Rows) of any W: the gradient passes through the old W in the same sweep that
/// renews it, and its sums stay in registers.
template <class T, bool Decay, int Rows>
inline void dense_rows_update(const RowUpdate<T>& c, index_t row, Vec<T>& squares) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  const Vec<T> keep = splat(c.keep);
  Vec<T> sum[Rows], step[Rows];
  AECORE_LOCKSTEP(Rows) sum[i] = Vec<T>{};
  AECORE_LOCKSTEP(Rows) step[i] = splat(c.rate * c.x[row + i]);
  T* w = c.weights + row * kW;
  for (index_t column = 0; column < c.n_columns; column += kW, w += c.stride) {
    Vec<T> delta[kVectors];
    for (int v = 0; v < kVectors; ++v) delta[v] = load(c.delta + column + v * kLanes);
    AECORE_LOCKSTEP(Rows) {
      for (int v = 0; v < kVectors; ++v) {
        T* const p = w + i * kW + v * kLanes;
        const Vec<T> old = load(p);
        sum[i] = madd(old, delta[v], sum[i]);
        if constexpr (Decay) squares = madd(old, old, squares);
        store(p, madd(step[i], delta[v], Decay ? keep * old : old));
      }
    }
  }
  if (c.x_delta == nullptr) return;
  AECORE_LOCKSTEP(Rows) c.x_delta[row + i] = lane_sum(sum[i]);
}

template <class T, bool Decay>
inline void dense_row_update(const RowUpdate<T>& c) {
  constexpr int kRows = kTileRows >= 8 ? 8 : 4;  // a sum and a step of each in registers
  Vec<T> squares = {};
  index_t row = 0;
  for (; row + kRows <= c.n_rows; row += kRows) dense_rows_update<T, Decay, kRows>(c, row, squares);
  for (; row < c.n_rows; ++row) dense_rows_update<T, Decay, 1>(c, row, squares);
  if constexpr (Decay) *c.squares += static_cast<double>(lane_sum(squares));
}

/// W of the first layer without decay: rows of W whose x is zero stay as they are.
template <class T>
inline void sparse_row_update(const RowUpdate<T>& c) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  // Copies: the compiler need not fear that a store to W changes them.
  const std::int32_t* const nonzero = c.nonzero;
  const T* const x = c.x;
  const index_t n = c.n_nonzero;
  const T rate = c.rate;
  for (index_t column = 0; column < c.n_columns; column += kW) {
    T* const panel = c.weights + (column / kW) * c.stride;
    Vec<T> delta[kVectors];
    for (int v = 0; v < kVectors; ++v) delta[v] = splat(rate) * load(c.delta + column + v * kLanes);
    const auto update = [&](index_t i) AECORE_INLINE_LAMBDA {
      T* const w = panel + nonzero[i] * kW;
      const Vec<T> xv = splat(x[nonzero[i]]);
      for (int v = 0; v < kVectors; ++v) {
        store(w + v * kLanes, madd(xv, delta[v], load(w + v * kLanes)));
      }
    };
    for (index_t i = 0; i < n; ++i) update(i);
  }
}

template <class T>
void row_update(const RowUpdate<T>& c) {
  if (c.nonzero != nullptr) {
    sparse_row_update(c);
  } else if (c.squares != nullptr) {
    dense_row_update<T, true>(c);
  } else {
    dense_row_update<T, false>(c);
  }
}
