// Row-major weights to panels of B, and panels of C to row-major results.

/// The values of a vector of length n that belong to one panel, zero past its end.
template <class T>
inline void load_panel(const T* x, index_t columns, Vec<T> (&out)[kVectors]) {
  constexpr index_t kLanes = Simd<T>::kLanes;
  for (int v = 0; v < kVectors; ++v) {
    const index_t left = columns - v * kLanes;
    out[v] = left >= kLanes ? load(x + v * kLanes)
             : left > 0     ? load_partial(x + v * kLanes, left)
                            : Vec<T>{};
  }
}

template <class T>
void pack(const T* w, index_t k, index_t n, index_t panel_begin, index_t panel_end, T* panels) {
  constexpr index_t kW = kWidth<T>;
  for (index_t panel = panel_begin; panel < panel_end; ++panel) {
    T* out = panels + (panel - panel_begin) * k * kW;
    const T* in = w + panel * kW;
    const index_t columns = smaller(kW, n - panel * kW);
    for (index_t row = 0; row < k; ++row, in += n, out += kW) {
      Vec<T> row_panel[kVectors];
      load_panel(in, columns, row_panel);
      for (int v = 0; v < kVectors; ++v) store(out + v * Simd<T>::kLanes, row_panel[v]);
    }
  }
}

/// rows x columns (at most one panel's width each) of `from`, transposed to `to`; both have rows
/// of their own distance. Rows that are not there read as zero.
template <class T>
inline void transpose_block(const T* from, index_t from_row, index_t rows, index_t columns, T* to) {
  constexpr int kLanes = Simd<T>::kLanes;
  constexpr index_t kW = kWidth<T>;
  for (index_t column = 0; column < columns; column += kLanes) {
    const index_t left = columns - column;
    for (index_t row = 0; row < kW; row += kLanes) {
      Vec<T> v[kLanes];
      AECORE_UNROLL
      for (int i = 0; i < kLanes; ++i) {
        const T* const p = from + (row + i) * from_row + column;
        v[i] = row + i >= rows ? Vec<T>{} : left >= kLanes ? load(p) : load_partial(p, left);
      }
      // log2(kLanes) perfect shuffles of the rows exchange rows and columns.
      AECORE_UNROLL
      for (int round = 1; round < kLanes; round *= 2) {
        Vec<T> mixed[kLanes];
        AECORE_UNROLL
        for (int i = 0; i < kLanes / 2; ++i) {
          mixed[2 * i] = interleave<T, false>(v[i], v[i + kLanes / 2]);
          mixed[2 * i + 1] = interleave<T, true>(v[i], v[i + kLanes / 2]);
        }
        AECORE_UNROLL
        for (int i = 0; i < kLanes; ++i) v[i] = mixed[i];
      }
      AECORE_UNROLL
      for (int i = 0; i < kLanes; ++i) {
        if (i < left) store(to + (column + i) * kW + row, v[i]);
      }
    }
  }
}

/// B = W^T for W (k x n): panel p holds rows p * width ... of W as its columns, n rows each.
template <class T>
void pack_transposed(const T* w, index_t k, index_t n, index_t panel_begin, index_t panel_end,
                     T* panels) {
  constexpr index_t kW = kWidth<T>;
  for (index_t panel = panel_begin; panel < panel_end; ++panel) {
    const index_t rows = smaller(kW, k - panel * kW);
    for (index_t column = 0; column < n; column += kW) {
      transpose_block(w + panel * kW * n + column, n, rows, smaller(kW, n - column),
                      panels + ((panel - panel_begin) * n + column) * kW);
    }
  }
}

template <class T>
void unpack(const T* panels, index_t stride, index_t rows, index_t columns, T* out, index_t ld) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  for (index_t column = 0; column < columns; column += kLanes) {
    const T* in = panels + (column / kW) * stride + column % kW;
    const index_t left = columns - column;
    for (index_t row = 0; row < rows; ++row, in += kW) {
      T* const to = out + row * ld + column;
      if (left >= kLanes) {
        store(to, load(in));
      } else {
        store_partial(to, load(in), left);
      }
    }
  }
}
