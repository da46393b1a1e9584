// The products of a step on one row, straight on the weights in panels: each weight is read once on
// the way forward, and once on the way back, where it is updated in passing.

/// out = x W over the nonzero elements of x. The others would add nothing, so the bits are those of
/// row_times_matrix.
template <class T>
void sparse_row_times_panels(const T* x, const index_t* nonzero, index_t n_nonzero, const T* w,
                             index_t stride, index_t n, T* out) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  for (index_t column = 0; column < n; column += kW, w += stride, out += kW) {
    Vec<T> total[kVectors] = {};
    index_t at = 0;
    while (at < n_nonzero) {  // a block of the sum
      const index_t last = (nonzero[at] / kSumBlock + 1) * kSumBlock;
      Vec<T> sum[kVectors] = {};
      for (; at < n_nonzero && nonzero[at] < last; ++at) {
        const index_t i = nonzero[at];
        const Vec<T> xv = splat(x[i]);
        for (int v = 0; v < kVectors; ++v) sum[v] = madd(xv, load(w + i * kW + v * kLanes), sum[v]);
      }
      for (int v = 0; v < kVectors; ++v) total[v] += sum[v];
    }
    for (int v = 0; v < kVectors; ++v) store(out + v * kLanes, total[v]);
  }
}

/// Any W: the gradient passes through the old W in the same sweep that renews it.
template <class T, bool Decay>
inline void dense_row_update(const RowUpdate<T>& c) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  const Vec<T> keep = splat(c.keep);
  Vec<T> squares = {};
  for (index_t column = 0; column < c.n_columns; column += kW) {
    T* w = c.weights + (column / kW) * c.stride;
    Vec<T> delta[kVectors];
    for (int v = 0; v < kVectors; ++v) delta[v] = load(c.delta + column + v * kLanes);
    for (index_t row = 0; row < c.n_rows; ++row, w += kW) {
      const Vec<T> step = splat(c.rate * c.x[row]);
      Vec<T> sum = column > 0 ? load(c.sums + row * kLanes) : Vec<T>{};
      for (int v = 0; v < kVectors; ++v) {
        const Vec<T> old = load(w + v * kLanes);
        sum = madd(old, delta[v], sum);
        if constexpr (Decay) squares = madd(old, old, squares);
        store(w + v * kLanes, madd(step, delta[v], Decay ? keep * old : old));
      }
      store(c.sums + row * kLanes, sum);
    }
  }
  if constexpr (Decay) *c.squares += static_cast<double>(lane_sum(squares));
  if (c.x_delta == nullptr) return;
  for (index_t row = 0; row < c.n_rows; ++row) {
    c.x_delta[row] = lane_sum(load(c.sums + row * kLanes));
  }
}

/// W of the first layer without decay: rows of W whose x is zero stay as they are.
template <class T>
inline void sparse_row_update(const RowUpdate<T>& c) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  for (index_t column = 0; column < c.n_columns; column += kW) {
    T* const panel = c.weights + (column / kW) * c.stride;
    Vec<T> delta[kVectors];
    for (int v = 0; v < kVectors; ++v) delta[v] = load(c.delta + column + v * kLanes);
    for (index_t i = 0; i < c.n_nonzero; ++i) {
      T* const w = panel + c.nonzero[i] * kW;
      const Vec<T> step = splat(c.rate * c.x[c.nonzero[i]]);
      for (int v = 0; v < kVectors; ++v) {
        store(w + v * kLanes, madd(step, delta[v], load(w + v * kLanes)));
      }
    }
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
