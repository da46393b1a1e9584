// What happens to a panel of weight gradients: it is written out, or an optimiser turns it into new
// weights at once, so that no full gradient exists.

/// One vector's worth of an update; Partial where the weight row ends inside it.
template <class T, bool Partial>
struct RowSlice {
  index_t count;
  Vec<T> get(const T* p) const {
    if constexpr (Partial) return load_partial(p, count);
    return load(p);
  }
  void put(T* p, Vec<T> v) const {
    if constexpr (Partial) {
      store_partial(p, v, count);
    } else {
      store(p, v);
    }
  }
};

/// each(slice, gradient, offset) over the call's weights, `offset` from the first weight.
template <class T, class Each>
inline void for_each_slice(const UpdateCall<T>& call, Each each) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLanes = Simd<T>::kLanes;
  for (index_t row = 0; row < call.rows; ++row) {
    for (index_t column = 0; column < call.columns; column += kLanes) {
      const Vec<T> gradient =
          load(call.gradient + (column / kW) * call.gradient_stride + row * kW + column % kW);
      const index_t offset = row * call.columns + column;
      const index_t left = call.columns - column;
      if (left >= kLanes) {
        each(RowSlice<T, false>{kLanes}, gradient, offset);
      } else {
        each(RowSlice<T, true>{left}, gradient, offset);
      }
    }
  }
}

template <class T>
void write_gradient(const UpdateCall<T>& call) {
  const Vec<T> decay = splat(call.weight_decay);
  for_each_slice(call, [&](auto slice, Vec<T> gradient, index_t i) {
    slice.put(call.out + i, madd(decay, slice.get(call.weights + i), gradient));
  });
}

template <class T>
void sgd(const UpdateCall<T>& call) {
  const Vec<T> decay = splat(call.weight_decay);
  const Vec<T> rate = splat(-call.learning_rate);
  for_each_slice(call, [&](auto slice, Vec<T> gradient, index_t i) {
    const Vec<T> w = slice.get(call.weights + i);
    slice.put(call.weights + i, madd(rate, madd(decay, w, gradient), w));
  });
}

/// Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, Algorithm 1 in the form at
/// the end of its section 2: the bias corrections are in the rate and in epsilon.
template <class T>
void adam(const UpdateCall<T>& call) {
  const Vec<T> decay = splat(call.weight_decay);
  const Vec<T> rate = splat(-call.learning_rate);
  const Vec<T> beta_1 = splat(call.beta_1), fresh_1 = splat(T{1} - call.beta_1);
  const Vec<T> beta_2 = splat(call.beta_2), fresh_2 = splat(T{1} - call.beta_2);
  const Vec<T> epsilon = splat(call.epsilon);
  for_each_slice(call, [&](auto slice, Vec<T> gradient, index_t i) {
    const Vec<T> w = slice.get(call.weights + i);
    const Vec<T> g = madd(decay, w, gradient);
    const Vec<T> m = madd(fresh_1, g, beta_1 * slice.get(call.first_moment + i));
    const Vec<T> v = madd(fresh_2, g * g, beta_2 * slice.get(call.second_moment + i));
    slice.put(call.first_moment + i, m);
    slice.put(call.second_moment + i, v);
    slice.put(call.weights + i, madd(rate, m / (square_root(v) + epsilon), w));
  });
}
