// Row-major weights to panels of B, and panels of C to row-major results.

template <class T>
void pack(const T* w, index_t k, index_t n, index_t panel_begin, index_t panel_end, T* panels) {
  constexpr index_t kW = kWidth<T>;
  for (index_t panel = panel_begin; panel < panel_end; ++panel) {
    T* out = panels + panel * k * kW;
    const T* in = w + panel * kW;
    const index_t columns = smaller(kW, n - panel * kW);
    for (index_t row = 0; row < k; ++row, in += n, out += kW) {
      for (int v = 0; v < kVectors; ++v) {
        const index_t left = columns - v * Simd<T>::kLanes;
        store(out + v * Simd<T>::kLanes, left >= Simd<T>::kLanes
                                             ? load(in + v * Simd<T>::kLanes)
                                             : load_partial(in + v * Simd<T>::kLanes, left));
      }
    }
  }
}

/// B = W^T for W (k x n): panel p holds rows p * width ... of W as its columns, n rows each.
template <class T>
void pack_transposed(const T* w, index_t k, index_t n, index_t panel_begin, index_t panel_end,
                     T* panels) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kStrip = 16;  // columns of W at a time: one or two cache lines of each row
  for (index_t panel = panel_begin; panel < panel_end; ++panel) {
    T* const out = panels + panel * n * kW;
    const T* const in = w + panel * kW * n;
    const index_t rows = smaller(kW, k - panel * kW);
    for (index_t first = 0; first < n; first += kStrip) {
      const index_t last = smaller(n, first + kStrip);
      for (index_t row = 0; row < rows; ++row) {
        for (index_t column = first; column < last; ++column) {
          out[column * kW + row] = in[row * n + column];
        }
      }
      for (index_t row = rows; row < kW; ++row) {
        for (index_t column = first; column < last; ++column) out[column * kW + row] = T{0};
      }
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
