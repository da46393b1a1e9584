// Activations and their derivatives, run over tiles. A derivative is written in the activation's
// own value a: a (1 - a) for sigmoid, 1 - a^2 for tanh, [a > 0] for relu, 1 for identity.

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
}

template <class T, Activation A>
inline Vec<T> derivative(Vec<T> a) {
  if constexpr (A == Activation::sigmoid) return a - a * a;
  if constexpr (A == Activation::tanh) return T{1} - a * a;
  if constexpr (A == Activation::relu) return select<T>(a > T{0}, splat(T{1}), Vec<T>{});
  return splat(T{1});
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

template <class T>
void bias_activation(const void* context, T* tile, index_t, index_t rows, index_t column,
                     index_t columns) {
  const auto& c = *static_cast<const BiasActivation<T>*>(context);
  if (c.not_finite != nullptr && column == 0) look_for_not_finite(tile, rows, c.not_finite);
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

template <class T>
void activation_backward(const void* context, T* tile, index_t row, index_t rows, index_t column,
                         index_t columns) {
  const auto& c = *static_cast<const ActivationBackward<T>*>(context);
  constexpr index_t kW = kWidth<T>;
  const T* a = c.activations + (column / kW) * c.activations_stride + row * kW;
  Vec<T> penalty[kVectors] = {};
  if (c.penalty != nullptr) load_panel(c.penalty + column, columns, penalty);
  with_activation(c.activation, [&](auto tag) {
    for (index_t r = 0; r < rows; ++r, tile += kW, a += kW) {
      const Vec<T> weight = splat(c.row_weight[row + r]);
      for (int v = 0; v < kVectors; ++v) {
        T* const p = tile + v * Simd<T>::kLanes;
        const Vec<T> d = derivative<T, decltype(tag)::value>(load(a + v * Simd<T>::kLanes));
        store(p, madd(weight, penalty[v], load(p)) * d);
      }
    }
  });
}
