// Dropout: units of a hidden layer are set to zero at random, the others scaled up.

template <class T>
void dropout(const DropoutCall<T>& call) {
  constexpr index_t kPanels = kWordColumns / kWidth<T>;  // served by the same words
  const RandomWords random(call);
  const index_t n_panels = (call.n_columns + kWidth<T> - 1) / kWidth<T>;
  const auto scale = [&](T* at, const IntVec<T>& dropped) {
    store(at, select<T>(dropped, Vec<T>{}, call.scale * load(at)));
  };
  for (index_t panel = 0; panel < n_panels; panel += kPanels) {
    for_row_groups(call.n_rows, [&](auto count, index_t r) {
      constexpr int kN = decltype(count)::value;
      std::uint32_t words[kN][kWordColumns];
      random.draw<kN, false>(r, panel * kWidth<T>, words);
      for (int i = 0; i < kN; ++i) {
        for (index_t p = panel; p < smaller(panel + kPanels, n_panels); ++p) {
          for (int v = 0; v < kVectors; ++v) {
            const index_t at = v * Simd<T>::kLanes;
            const std::uint32_t* const own = words[i] + (p - panel) * kWidth<T> + at;
            const IntVec<T> dropped = words_below<T>(own, call.dropped_below);
            scale(call.h + p * call.stride + (r + i) * kWidth<T> + at, dropped);
            scale(call.slope + p * call.slope_stride + (r + i) * kWidth<T> + at, dropped);
          }
        }
      }
    });
  }
}
