// A Gaussian code: z drawn from its mean and log variance, its divergence from N(0, I), and the way
// back through both.

constexpr double kHalf = 0.5;

/// The divergence of the real columns of a row's panel, lane by lane from the first.
template <class T>
inline double sum_of_columns(const Vec<T> (&kl)[kVectors], index_t columns) {
  double sum = 0;
  for (int v = 0; v < kVectors; ++v) {
    for (int lane = 0; lane < Simd<T>::kLanes; ++lane) {
      if (v * Simd<T>::kLanes + lane < columns) sum += static_cast<double>(kl[v][lane]);
    }
  }
  return sum;
}

/// One row of one panel. `words` as in corrupt_panel.
template <class T>
inline void draw_code_panel(const GaussianCall<T>& call, const std::uint32_t* words, index_t row,
                            index_t panel) {
  constexpr T kLimit = T(kLogVarianceLimit);
  const index_t at = row * kWidth<T>;
  T* const z = call.z + panel * call.z_stride + at;
  T* const v = call.log_variance + panel * call.stride + at;
  T* const by_mean = call.by_mean + panel * call.stride + at;
  T* const by_v = call.by_log_variance + panel * call.stride + at;
  Vec<T> epsilon[kVectors], cosine, sine, kl[kVectors];
  normal_pair<T>(upper_24<T>(words), upper_24<T>(words + kWordColumns / 2), cosine, sine);
  epsilon[0] = interleave<T, false>(cosine, sine);
  epsilon[1] = interleave<T, true>(cosine, sine);
  const T weight = call.row_weight[row] * call.beta;
  for (int i = 0; i < kVectors; ++i) {
    const index_t lane = i * Simd<T>::kLanes;
    const Vec<T> mean = load(z + lane);
    const Vec<T> product = load(v + lane);
    const IntVec<T> is_cut = absolute<T>(product) > kLimit;  // NaN is not
    const Vec<T> log_variance =
        select<T>(is_cut, select<T>(product > T{0}, splat(kLimit), splat(-kLimit)), product);
    const Vec<T> deviation = exp_v<T>(T(kHalf) * log_variance);
    const Vec<T> excess = madd(deviation, deviation, splat(T{-1}));  // of the variance over 1
    const Vec<T> noise = deviation * epsilon[i];
    store(z + lane, mean + noise);
    kl[i] = T(kHalf) * (madd(mean, mean, excess) - log_variance);
    const IntVec<T> is_free = kl[i] <= call.free_bits;
    kl[i] = select<T>(is_free, splat(call.free_bits), kl[i]);
    if (call.by_mean == nullptr) continue;
    const IntVec<T> has_none = call.free_bits > T{0} ? is_free : IntVec<T>{};
    store(by_mean + lane, select<T>(has_none, Vec<T>{}, weight * mean));
    store(by_v + lane, select<T>(has_none | is_cut, Vec<T>{}, (T(kHalf) * weight) * excess));
    store(v + lane, select<T>(is_cut, Vec<T>{}, T(kHalf) * noise));
  }
  call.divergence[row] += sum_of_columns<T>(kl, call.n_columns - panel * kWidth<T>);
}

template <class T>
void draw_code(const GaussianCall<T>& call) {
  constexpr index_t kPanels = kWordColumns / kWidth<T>;  // served by the same words
  const RandomWords random(call);
  const index_t n_panels = (call.n_columns + kWidth<T> - 1) / kWidth<T>;
  for (index_t r = 0; r < call.n_rows; ++r) call.divergence[r] = 0;
  for (index_t first = 0; first < n_panels; first += kPanels) {
    for_row_groups(call.n_rows, [&](auto count, index_t r) {
      constexpr int kN = decltype(count)::value;
      std::uint32_t words[kN][kWordColumns];
      random.draw<kN, true>(r, first * kWidth<T>, words);
      for (int i = 0; i < kN; ++i) {
        for (index_t p = 0; p < kPanels && first + p < n_panels; ++p) {
          draw_code_panel<T>(call, words[i] + p * kWidth<T> / 2, r + i, first + p);
        }
      }
    });
  }
}

/// tile = dJ/dz becomes dJ/dmean, and by_log_variance dJ/dlog_variance.
template <class T>
void gaussian_backward(const void* context, T* tile, index_t row, index_t rows, index_t column,
                       index_t columns) {
  (void)columns;
  const auto& c = *static_cast<const GaussianBackward<T>*>(context);
  const index_t at = column / kWidth<T> * c.stride + row * kWidth<T>;
  const T* const slope = c.slope + at;
  const T* const by_mean = c.by_mean + at;
  T* const by_v = c.by_log_variance + at;
  for (index_t i = 0; i < rows * kWidth<T>; i += Simd<T>::kLanes) {
    const Vec<T> by_z = load(tile + i);
    store(by_v + i, madd(by_z, load(slope + i), load(by_v + i)));
    store(tile + i, by_z + load(by_mean + i));
  }
}
