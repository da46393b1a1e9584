// What one core can do at most: independent multiply-adds in registers. Benchmarks divide by it.

template <class T>
double multiply_add_rounds(index_t n) {
  constexpr int kSums = 10;  // 2 ports x 4-5 cycles of latency in flight; fits 16 registers
  Vec<T> sum[kSums];
  AECORE_UNROLL
  for (int i = 0; i < kSums; ++i) sum[i] = splat(T(i));
  const Vec<T> x = splat(T(0.5)), y = splat(T(0.25));
  for (index_t round = 0; round < n; ++round) {
    AECORE_UNROLL
    for (int i = 0; i < kSums; ++i) sum[i] = madd(sum[i], x, y);
  }
  Vec<T> total = {};
  AECORE_UNROLL
  for (int i = 0; i < kSums; ++i) total += sum[i];
  volatile T used = lane_sum(total);  // the sums must be computed
  static_cast<void>(used);
  return 2.0 * kSums * Simd<T>::kLanes * static_cast<double>(n);
}
