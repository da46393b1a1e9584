// Activations and their derivatives, run over tiles. A derivative is written in the activation's
// own value a: a (1 - a) for sigmoid, 1 - a^2 for tanh, [a > 0] for relu, 1 for identity,
// 1 - exp(-a) for softplus, ...; silu and gelu, which come back to the same a, need z.

/// In place, N vectors in lockstep.
template <class T, Activation A, int N>
inline void activate(Vec<T> (&z)[N]) {
  if constexpr (A == Activation::sigmoid) sigmoid_v<T>(z);
  if constexpr (A == Activation::tanh) {
    AECORE_LOCKSTEP(N) z[i] = tanh_v<T>(z[i]);
  }
  if constexpr (A == Activation::relu) {
    AECORE_LOCKSTEP(N) z[i] = select<T>(z[i] < T{0}, Vec<T>{}, z[i]);  // keeps NaN
  }
  if constexpr (A == Activation::leaky_relu) {
    AECORE_LOCKSTEP(N) z[i] = select<T>(z[i] < T{0}, T(kLeakySlope) * z[i], z[i]);
  }
  if constexpr (A == Activation::elu) {
    AECORE_LOCKSTEP(N) z[i] = select<T>(z[i] < T{0}, expm1_v<T>(z[i]), z[i]);
  }
  if constexpr (A == Activation::softplus) softplus_v<T>(z);
  if constexpr (A == Activation::silu) {
    Vec<T> s[N];
    AECORE_LOCKSTEP(N) s[i] = z[i];
    sigmoid_v<T>(s);
    AECORE_LOCKSTEP(N) z[i] *= s[i];
  }
  if constexpr (A == Activation::gelu) {
    Vec<T> cdf[N], bell[N];
    normal_cdf_v<T>(z, cdf, bell);
    AECORE_LOCKSTEP(N) z[i] *= cdf[i];
  }
}

template <class T, Activation A>
inline Vec<T> derivative(Vec<T> a) {
  if constexpr (A == Activation::sigmoid) return a - a * a;
  if constexpr (A == Activation::tanh) return T{1} - a * a;
  if constexpr (A == Activation::relu) return select<T>(a > T{0}, splat(T{1}), Vec<T>{});
  if constexpr (A == Activation::leaky_relu) {
    return select<T>(a > T{0}, splat(T{1}), splat(T(kLeakySlope)));
  }
  if constexpr (A == Activation::elu) return select<T>(a > T{0}, splat(T{1}), a + T{1});
  if constexpr (A == Activation::softplus) return T{0} - expm1_v<T>(T{0} - a);  // 1 - exp(-a)
  return splat(T{1});
}

/// z becomes a, and slope the derivative.
template <class T, Activation A, int N>
inline void activate_with_slope(Vec<T> (&z)[N], Vec<T> (&slope)[N]) {
  if constexpr (A == Activation::silu) {  // s + z s (1 - s)
    AECORE_LOCKSTEP(N) slope[i] = z[i];
    sigmoid_v<T>(slope);
    AECORE_LOCKSTEP(N) z[i] *= slope[i];
    AECORE_LOCKSTEP(N) slope[i] = madd(z[i], T{1} - slope[i], slope[i]);
  } else if constexpr (A == Activation::gelu) {  // Phi + z exp(-z^2/2) / sqrt(2 pi)
    constexpr T kDensity = T(0.39894228040143267794);
    Vec<T> bell[N];
    normal_cdf_v<T>(z, slope, bell);
    AECORE_LOCKSTEP(N) bell[i] *= kDensity * z[i];
    AECORE_LOCKSTEP(N) z[i] *= slope[i];
    AECORE_LOCKSTEP(N) slope[i] += bell[i];
  } else {
    activate<T, A>(z);
    AECORE_LOCKSTEP(N) slope[i] = derivative<T, A>(z[i]);
  }
}

/// function(type tag) for the activation: one switch per tile, none per element.
template <Activation A>
struct ActivationTag {
  static constexpr Activation value = A;
};
template <class Function>
inline void with_activation(Activation activation, Function function) {
  switch (activation) {
    case Activation::identity:
    case Activation::softmax:
      function(ActivationTag<Activation::identity>{});
      break;
    case Activation::sigmoid:
      function(ActivationTag<Activation::sigmoid>{});
      break;
    case Activation::tanh:
      function(ActivationTag<Activation::tanh>{});
      break;
    case Activation::relu:
      function(ActivationTag<Activation::relu>{});
      break;
    case Activation::leaky_relu:
      function(ActivationTag<Activation::leaky_relu>{});
      break;
    case Activation::elu:
      function(ActivationTag<Activation::elu>{});
      break;
    case Activation::softplus:
      function(ActivationTag<Activation::softplus>{});
      break;
    case Activation::silu:
      function(ActivationTag<Activation::silu>{});
      break;
    case Activation::gelu:
      function(ActivationTag<Activation::gelu>{});
      break;
  }
}

/// Rows of a tile taken together.
constexpr int kRowsInStep = 2;

/// group(number of rows as a type, first row) over the rows: kRowsInStep at a time, the rest by
/// ones.
template <int N>
struct RowCount {
  static constexpr int value = N;
};
template <class Group>
inline void for_row_groups(index_t rows, Group group) {
  index_t r = 0;
  for (; r + kRowsInStep <= rows; r += kRowsInStep) group(RowCount<kRowsInStep>{}, r);
  for (; r < rows; ++r) group(RowCount<1>{}, r);
}

template <class T>
inline void look_for_not_finite(const T* tile, index_t rows, bool* found) {
  IntVec<T> seen = {};
  for (index_t r = 0; r < rows; ++r) {
    seen |=
        (bits<T>(load(tile + r * kWidth<T>)) & Simd<T>::kExponentMask) == Simd<T>::kExponentMask;
  }
  for (int lane = 0; lane < Simd<T>::kLanes; ++lane) *found |= seen[lane] != 0;
}

/// bias_activation with the slopes kept.
template <class T>
inline void bias_activation_slope(const BiasActivation<T>& c, T* tile, index_t row, index_t rows,
                                  index_t column, index_t columns) {
  constexpr int kLanes = Simd<T>::kLanes;
  T* const slopes = c.slope + (column / kWidth<T>)*c.slope_stride + row * kWidth<T>;
  Vec<T> bias[kVectors];
  load_panel(c.bias + column, columns, bias);
  with_activation(c.activation, [&](auto tag) {
    for (index_t r = 0; r < rows; ++r) {
      const index_t at = r * kWidth<T>;
      Vec<T> z[kVectors], slope[kVectors];
      AECORE_LOCKSTEP(kVectors) z[i] = load(tile + at + i * kLanes) + bias[i];
      activate_with_slope<T, decltype(tag)::value>(z, slope);
      AECORE_LOCKSTEP(kVectors) store(tile + at + i * kLanes, z[i]);
      AECORE_LOCKSTEP(kVectors) store(slopes + at + i * kLanes, slope[i]);
    }
  });
}

template <class T>
void bias_activation(const void* context, T* tile, index_t row, index_t rows, index_t column,
                     index_t columns) {
  const auto& c = *static_cast<const BiasActivation<T>*>(context);
  if (c.not_finite != nullptr && column == 0) look_for_not_finite(tile, rows, c.not_finite);
  if (c.slope != nullptr) return bias_activation_slope(c, tile, row, rows, column, columns);
  constexpr int kLanes = Simd<T>::kLanes;
  Vec<T> bias[kVectors];
  load_panel(c.bias + column, columns, bias);
  with_activation(c.activation, [&](auto tag) {
    for_row_groups(rows, [&](auto count, index_t r) {
      constexpr int kN = decltype(count)::value * kVectors;
      T* const p = tile + r * kWidth<T>;
      Vec<T> z[kN];
      AECORE_LOCKSTEP(kN) z[i] = load(p + i * kLanes) + bias[i % kVectors];
      activate<T, decltype(tag)::value>(z);
      AECORE_LOCKSTEP(kN) store(p + i * kLanes, z[i]);
    });
  });
}

/// tile += weight_i activity sign(h).
template <class T>
__attribute__((noinline)) void add_activity(const ActivationBackward<T>& c, T* tile, index_t row,
                                            index_t rows, index_t column) {
  const T* const h = c.h + (column / kWidth<T>)*c.h_stride + row * kWidth<T>;
  for (index_t i = 0; i < rows * kWidth<T>; i += Simd<T>::kLanes) {
    const Vec<T> weight = splat(c.row_weight[row + i / kWidth<T>] * c.activity);
    store(tile + i, madd(weight, sign<T>(load(h + i)), load(tile + i)));
  }
}

template <class T>
__attribute__((noinline)) void add_by_z(const ActivationBackward<T>& c, T* tile, index_t row,
                                        index_t rows, index_t column) {
  const T* const by_z = c.by_z + (column / kWidth<T>)*c.by_z_stride + row * kWidth<T>;
  for (index_t i = 0; i < rows * kWidth<T>; i += Simd<T>::kLanes) {
    store(tile + i, load(tile + i) + load(by_z + i));
  }
}

template <class T>
void activation_backward(const void* context, T* tile, index_t row, index_t rows, index_t column,
                         index_t columns) {
  const auto& c = *static_cast<const ActivationBackward<T>*>(context);
  constexpr index_t kW = kWidth<T>;
  if (c.h != nullptr) add_activity(c, tile, row, rows, column);
  const T* const a = c.activations + (column / kW) * c.activations_stride + row * kW;
  Vec<T> penalty[kVectors] = {};
  if (c.penalty != nullptr) load_panel(c.penalty + column, columns, penalty);
  const auto backward = [&](auto slope) {
    for (index_t r = 0; r < rows; ++r) {
      const Vec<T> weight = splat(c.row_weight[row + r]);
      for (int v = 0; v < kVectors; ++v) {
        const index_t at = r * kW + v * Simd<T>::kLanes;
        store(tile + at, madd(weight, penalty[v], load(tile + at)) * slope(load(a + at)));
      }
    }
  };
  if (c.is_slope) {
    backward([](Vec<T> slope) { return slope; });
  } else {
    with_activation(c.activation, [&](auto tag) {
      backward([](Vec<T> value) { return derivative<T, decltype(tag)::value>(value); });
    });
  }
  if (c.by_z != nullptr) add_by_z(c, tile, row, rows, column);
}
