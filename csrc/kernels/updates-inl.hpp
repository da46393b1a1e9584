// What happens to a tile of weight gradients while it is in the first-level cache: it is written
// out, or an optimiser turns it into new weights at once, so that no gradient is ever stored.

template <class T>
inline index_t weight_offset(const WeightUpdate<T>& c, index_t row, index_t column) {
  return (column / kWidth<T>)*c.stride + row * kWidth<T>;
}

/// The tile's weights and moments travel from memory while its gradient is computed.
template <class T>
void fetch_weights(const void* context, index_t row, index_t rows, index_t column) {
  const auto& c = *static_cast<const WeightUpdate<T>*>(context);
  constexpr index_t kLine = 64 / sizeof(T);
  const index_t begin = weight_offset(c, row, column);
  for (index_t i = begin; i < begin + rows * kWidth<T>; i += kLine) {
    __builtin_prefetch(c.weights + i, 1, 2);
    if (c.first_moment != nullptr) __builtin_prefetch(c.first_moment + i, 1, 2);
    if (c.second_moment != nullptr) __builtin_prefetch(c.second_moment + i, 1, 2);
  }
}

/// Sum of each(x, x) over a tile's real columns: the gradients beyond them are junk, which updates
/// carry into the weights there.
template <class T, class Each>
inline double sum_of_tile(const T* tile, index_t rows, index_t columns, Each each) {
  IntVec<T> real[kVectors];
  AECORE_LOCKSTEP(kVectors) real[i] = lanes_below<T>(columns - i * Simd<T>::kLanes);
  Vec<T> sum[kVectors] = {};
  for (index_t r = 0; r < rows; ++r, tile += kWidth<T>) {
    AECORE_LOCKSTEP(kVectors) {
      const Vec<T> x = select<T>(real[i], load(tile + i * Simd<T>::kLanes), Vec<T>{});
      sum[i] = each(x, sum[i]);
    }
  }
  double total = 0;
  for (int i = 0; i < kVectors; ++i) total += static_cast<double>(lane_sum(sum[i]));
  return total;
}

template <class T>
inline double squares_of_tile(const T* tile, index_t rows, index_t columns) {
  return sum_of_tile(tile, rows, columns, [](Vec<T> x, Vec<T> sum) { return madd(x, x, sum); });
}

/// The gradients of a tile with the term of sum |W| added, in place.
template <class T>
inline void add_l1(const WeightUpdate<T>& c, const T* weights, T* tile, index_t rows) {
  const Vec<T> l1 = splat(c.weight_l1);
  for (index_t i = 0; i < rows * kWidth<T>; i += Simd<T>::kLanes) {
    store(tile + i, madd(l1, sign<T>(load(weights + i)), load(tile + i)));
  }
}

template <class T>
__attribute__((noinline, cold)) void add_penalties(const WeightUpdate<T>& c, T* tile, index_t row,
                                                   index_t rows, index_t column, index_t columns) {
  const T* const weights = c.weights + weight_offset(c, row, column);
  if (c.squares != nullptr) *c.squares += squares_of_tile(weights, rows, columns);
  if (c.sizes != nullptr) {
    *c.sizes += sum_of_tile(weights, rows, columns,
                            [](Vec<T> x, Vec<T> sum) { return sum + absolute<T>(x); });
  }
  if (c.weight_l1 != T{0}) add_l1(c, weights, tile, rows);
}

/// Runs before a tile's weights change: sums what J needs of them, adds the slope of L1.
template <class T>
inline void begin_tile(const WeightUpdate<T>& c, T* tile, index_t row, index_t rows, index_t column,
                       index_t columns) {
  if (c.squares != nullptr || c.sizes != nullptr || c.weight_l1 != T{0}) {
    add_penalties(c, tile, row, rows, column, columns);
  }
}

/// each(offset, weights, gradient) for the vectors of the tile; then W^T follows where a panel of
/// it is full.
template <class T, class Each>
inline void update_tile(const WeightUpdate<T>& c, T* tile, index_t row, index_t rows,
                        index_t column, Each each) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  const index_t begin = weight_offset(c, row, column);
  const Vec<T> scale = splat(c.gradient_scale), decay = splat(c.weight_decay);
  for (index_t i = 0; i < rows * kW; i += kLanes) {
    const Vec<T> w = load(c.weights + begin + i);
    each(begin + i, w, madd(decay, w, scale * load(tile + i)));
  }
  const index_t end = row + rows;
  if (c.transposed == nullptr || (end % kW != 0 && end != c.n_rows)) return;
  const index_t first = (end - 1) / kW * kW;
  transpose_block(c.weights + weight_offset(c, first, column), kW, end - first,
                  smaller(kW, c.n_columns - column),
                  c.transposed + (first / kW) * c.transposed_stride + column * kW);
}

template <class T>
void write_gradient(const void* context, T* tile, index_t row, index_t rows, index_t column,
                    index_t columns) {
  const auto& c = *static_cast<const WeightUpdate<T>*>(context);
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLanes = Simd<T>::kLanes;
  const T* const weights = c.weights + weight_offset(c, row, column);
  begin_tile(c, tile, row, rows, column, columns);
  const Vec<T> decay = splat(c.weight_decay);
  for (index_t r = 0; r < rows; ++r) {
    T* const out = c.out + (row + r) * c.n_columns + column;
    for (index_t i = 0; i < columns; i += kLanes) {
      const Vec<T> g = madd(decay, load(weights + r * kW + i), load(tile + r * kW + i));
      if (columns - i >= kLanes) {
        store(out + i, g);
      } else {
        store_partial(out + i, g, columns - i);
      }
    }
  }
}

/// The gradient of J stays in the tile, for an update that has to see all of them first.
template <class T>
void hold_gradient(const void* context, T* tile, index_t row, index_t rows, index_t column,
                   index_t columns) {
  const auto& c = *static_cast<const WeightUpdate<T>*>(context);
  constexpr index_t kW = kWidth<T>;
  const T* const weights = c.weights + weight_offset(c, row, column);
  if (c.weight_l1 != T{0}) add_l1(c, weights, tile, rows);
  const Vec<T> decay = splat(c.weight_decay);
  for (index_t i = 0; i < rows * kW; i += Simd<T>::kLanes) {
    store(tile + i, madd(decay, load(weights + i), load(tile + i)));
  }
  if (c.squares != nullptr) *c.squares += squares_of_tile(tile, rows, columns);
}

template <class T>
void sgd(const void* context, T* tile, index_t row, index_t rows, index_t column, index_t columns) {
  const auto& c = *static_cast<const WeightUpdate<T>*>(context);
  begin_tile(c, tile, row, rows, column, columns);
  const Vec<T> rate = splat(-c.learning_rate);
  update_tile(c, tile, row, rows, column,
              [&](index_t i, Vec<T> w, Vec<T> g) { store(c.weights + i, madd(rate, g, w)); });
}

/// Polyak's momentum, and Nesterov's with the gradient where the parameters are: Sutskever et al.,
/// "On the importance of initialization and momentum in deep learning", ICML 2013, with the
/// learning rate outside the sum, as PyTorch has it.
template <class T>
void momentum(const void* context, T* tile, index_t row, index_t rows, index_t column,
              index_t columns) {
  const auto& c = *static_cast<const WeightUpdate<T>*>(context);
  begin_tile(c, tile, row, rows, column, columns);
  const Vec<T> rate = splat(-c.learning_rate), beta = splat(c.beta_1);
  const Vec<T> of_gradient = splat(c.gradient_share), of_momentum = splat(c.momentum_share);
  update_tile(c, tile, row, rows, column, [&](index_t i, Vec<T> w, Vec<T> g) {
    const Vec<T> m = madd(beta, load(c.first_moment + i), g);
    store(c.first_moment + i, m);
    store(c.weights + i, madd(rate, madd(of_momentum, m, of_gradient * g), w));
  });
}

/// Tieleman & Hinton, "Lecture 6.5 - rmsprop", Coursera 2012; with beta_2 = fresh_2 = 1 it is
/// Duchi, Hazan & Singer, "Adaptive subgradient methods", JMLR 12, 2011.
template <class T>
void rmsprop(const void* context, T* tile, index_t row, index_t rows, index_t column,
             index_t columns) {
  const auto& c = *static_cast<const WeightUpdate<T>*>(context);
  begin_tile(c, tile, row, rows, column, columns);
  const Vec<T> rate = splat(-c.learning_rate), epsilon = splat(c.epsilon);
  const Vec<T> beta_2 = splat(c.beta_2), fresh_2 = splat(c.fresh_2);
  update_tile(c, tile, row, rows, column, [&](index_t i, Vec<T> w, Vec<T> g) {
    const Vec<T> v = madd(fresh_2, g * g, beta_2 * load(c.second_moment + i));
    store(c.second_moment + i, v);
    store(c.weights + i, madd(rate, g * reciprocal(square_root(v) + epsilon), w));
  });
}

/// Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, Algorithm 1 in the form at
/// the end of its section 2: the bias corrections are in the rate and in epsilon. `keep` below 1 is
/// the decoupled decay of Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019.
template <class T>
void adam(const void* context, T* tile, index_t row, index_t rows, index_t column,
          index_t columns) {
  const auto& c = *static_cast<const WeightUpdate<T>*>(context);
  begin_tile(c, tile, row, rows, column, columns);
  const Vec<T> rate = splat(-c.learning_rate), keep = splat(c.keep), epsilon = splat(c.epsilon);
  const Vec<T> beta_1 = splat(c.beta_1), fresh_1 = splat(c.fresh_1);
  const Vec<T> beta_2 = splat(c.beta_2), fresh_2 = splat(c.fresh_2);
  update_tile(c, tile, row, rows, column, [&](index_t i, Vec<T> w, Vec<T> g) {
    const Vec<T> m = madd(fresh_1, g, beta_1 * load(c.first_moment + i));
    const Vec<T> v = madd(fresh_2, g * g, beta_2 * load(c.second_moment + i));
    store(c.first_moment + i, m);
    store(c.second_moment + i, v);
    store(c.weights + i, madd(rate, m * reciprocal(square_root(v) + epsilon), keep * w));
  });
}
