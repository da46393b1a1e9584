// Sums down the rows (rho_hat, bias gradients) and over weights (the decay term), in an order that
// depends on the shape alone.

template <class T>
void column_sums(const T* panels, index_t stride, index_t rows, index_t columns,
                 const T* row_weight, bool accumulate, T* out) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  constexpr int kChains = 4;  // a multiply-add takes four cycles, and two begin in each
  for (index_t column = 0; column < columns; column += kW, panels += stride, out += kW) {
    Vec<T> total[kVectors] = {};
    if (accumulate) load_panel(out, kW, total);
    for (index_t first = 0; first < rows; first += kSumBlock) {
      const index_t last = smaller(rows, first + kSumBlock);
      Vec<T> sum[kChains][kVectors] = {};
      const auto add = [&](index_t r, int chain) AECORE_INLINE_LAMBDA {
        const Vec<T> weight = splat(row_weight != nullptr ? row_weight[r] : T{1});
        for (int v = 0; v < kVectors; ++v) {
          sum[chain][v] = madd(weight, load(panels + r * kW + v * kLanes), sum[chain][v]);
        }
      };
      index_t r = first;
      for (; r + kChains <= last; r += kChains) {
        AECORE_LOCKSTEP(kChains) add(r + i, i);
      }
      for (; r < last; ++r) add(r, 0);
      for (int v = 0; v < kVectors; ++v) {
        total[v] += (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) store(out + v * kLanes, total[v]);
  }
}

template <class T>
double sum_of_squares(const T* x, index_t n) {
  constexpr int kLanes = Simd<T>::kLanes;
  double total = 0;
  for (index_t first = 0; first < n; first += kSumBlock) {
    const index_t last = smaller(n, first + kSumBlock);
    Vec<T> sum = {};
    index_t i = first;
    for (; i + kLanes <= last; i += kLanes) {
      const Vec<T> v = load(x + i);
      sum = madd(v, v, sum);
    }
    if (i < last) {
      const Vec<T> v = load_partial(x + i, last - i);
      sum = madd(v, v, sum);
    }
    total += static_cast<double>(lane_sum(sum));
  }
  return total;
}
