// The last layer's epilogue: from z to the row's loss and to delta = weight_i dloss/dz, in place.

/// From the output x_hat; slope is dloss/dx_hat.
template <class T, Loss L>
inline void loss_of_output(Vec<T> x_hat, Vec<T> x, Vec<T>& loss, Vec<T>& slope) {
  if constexpr (L == Loss::squared_error) {
    slope = x_hat - x;
    loss = T(0.5) * slope * slope;
  } else if constexpr (L == Loss::absolute_error) {
    const Vec<T> e = x_hat - x;
    loss = absolute<T>(e);
    slope = sign<T>(e);
  } else if constexpr (L == Loss::huber) {  // 1/2 e^2 to |e| = 1, |e| - 1/2 beyond
    const Vec<T> e = x_hat - x;
    slope = at_most(at_least(e, T{-1}), T{1});
    loss = slope * (e - T(0.5) * slope);
  } else if constexpr (L == Loss::poisson) {  // p - x log p with p = x_hat clipped from below
    constexpr T kLow = T(kProbabilityClip);
    const Vec<T> p = at_least(x_hat, kLow);
    loss = p - x * log_v<T>(p);
    slope = select<T>(x_hat >= kLow, T{1} - x / p, Vec<T>{});
  } else {
    // -x log p - (1 - x) log(1 - p) with p = x_hat clipped away from 0 and 1, where log is finite;
    // the clipped function is flat outside, and so is its slope.
    constexpr T kLow = T(kProbabilityClip);
    constexpr T kHigh = T(1) - T(kProbabilityClip);
    const Vec<T> p = at_most(at_least(x_hat, kLow), kHigh);
    const IntVec<T> inside = (x_hat >= kLow) & (x_hat <= kHigh);
    const Vec<T> q = T(1) - p;
    loss = T(0) - x * log_v<T>(p) - (T(1) - x) * log_v<T>(q);
    slope = select<T>(inside, (p - x) / (p * q), Vec<T>{});
  }
}

/// The tile's targets travel from the second-level cache while its outputs are computed.
template <class T>
void fetch_target(const void* context, index_t row, index_t rows, index_t column) {
  const auto& c = *static_cast<const OutputLoss<T>*>(context);
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLine = 64 / sizeof(T);
  const T* x = c.target + (column / kW) * c.target_stride + row * c.target_row;
  for (index_t r = 0; r < rows; ++r, x += c.target_row) {
    for (index_t i = 0; i < kW; i += kLine) __builtin_prefetch(x + i, 0, 3);
  }
}

// A row's loss is kept by lane from panel to panel: a sum and, for the cross entropy, a product of
// factors whose log belongs to it, so that one log serves up to 64 outputs and lanes are summed
// once. A product of 64 factors has the log to 64 * 2^-24, as have 64 logs of rounded factors.

constexpr index_t kProductPanels = 32;

/// Runs `each(at, z, x, loss, factor, slope)` over the tile, some vectors at a time, the first of
/// them `at` numbers from the tile's begin: the loss of an output is `loss` + log(`factor`), factor
/// in [1, 2], and slope is dloss/dz.
template <class T, bool HasFactor, class Each>
inline void output_tile(const OutputLoss<T>& c, T* tile, index_t row, index_t rows, index_t column,
                        index_t columns, Each each) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  const index_t panel = column / kW;
  const T* const target = c.target + panel * c.target_stride + row * c.target_row;
  T* const partial = c.partial + (row - c.partial_row) * kW;
  const bool begins = panel % kProductPanels == 0;
  const bool ends = (panel + 1) % kProductPanels == 0 || column + kW >= c.n_columns;
  Vec<T> bias[kVectors] = {};
  if (c.output.bias != nullptr) load_panel(c.output.bias + column, columns, bias);
  for_row_groups(rows, [&](auto count, index_t r) {
    constexpr int kRows = decltype(count)::value;
    constexpr int kN = kRows * kVectors;
    T* const p = tile + r * kW;
    Vec<T> z[kN], x[kN], loss[kN], factor[kN], slope[kN];
    AECORE_LOCKSTEP(kN) z[i] = load(p + i * kLanes) + bias[i % kVectors];
    if (columns < kW) {  // in place, the next row or nothing follows
      AECORE_LOCKSTEP(kN) {
        const index_t left = columns - i % kVectors * kLanes;
        const T* const from = target + (r + i / kVectors) * c.target_row + i % kVectors * kLanes;
        x[i] = left >= kLanes ? load(from) : left > 0 ? load_partial(from, left) : Vec<T>{};
      }
    } else {
      AECORE_LOCKSTEP(kN) {
        x[i] = load(target + (r + i / kVectors) * c.target_row + i % kVectors * kLanes);
      }
    }
    each(r * kW, z, x, loss, factor, slope);
    if (c.feature_weight != nullptr) {
      const T* const weight = c.feature_weight + panel * c.feature_weight_stride + (row + r) * kW;
      AECORE_LOCKSTEP(kN) {
        const Vec<T> w = load(weight + i * kLanes);
        if constexpr (HasFactor) {  // no product of powers: the log comes at once
          loss[i] += log_v<T>(factor[i]);
          factor[i] = splat(T{1});
        }
        loss[i] *= w;
        slope[i] *= w;
      }
    }
    if (columns < kW) {  // nothing past the last column counts, be it NaN
      AECORE_LOCKSTEP(kN) {
        const IntVec<T> real = lanes_below<T>(columns - i % kVectors * kLanes);
        loss[i] = select<T>(real, loss[i], Vec<T>{});
        slope[i] = select<T>(real, slope[i], Vec<T>{});
        if constexpr (HasFactor) factor[i] = select<T>(real, factor[i], splat(T{1}));
      }
    }
    AECORE_LOCKSTEP(kN) {
      store(p + i * kLanes, splat(c.row_weight[row + r + i / kVectors]) * slope[i]);
    }
    AECORE_LOCKSTEP(kRows) {
      T* const kept = partial + (r + i) * kW;
      Vec<T> sum = begins ? Vec<T>{} : load(kept);
      for (int v = 0; v < kVectors; ++v) sum += loss[i * kVectors + v];
      if constexpr (HasFactor) {
        Vec<T> product = begins ? splat(T{1}) : load(kept + kLanes);
        for (int v = 0; v < kVectors; ++v) product *= factor[i * kVectors + v];
        if (ends) sum += log_v<T>(product);
        store(kept + kLanes, product);
      }
      store(kept, sum);
      if (ends) c.row_loss[row + r + i] += static_cast<double>(lane_sum(sum));
    }
  });
}

// The pairs of loss and activation below are common, or need z, and have a pass of their own.

template <class T, Activation A>
inline void squared_error_of(const OutputLoss<T>& c, T* tile, index_t row, index_t rows,
                             index_t column, index_t columns) {
  output_tile<T, false>(c, tile, row, rows, column, columns,
                        [](index_t, auto& z, const auto& x, auto& loss, auto&, auto& slope) {
                          constexpr int kN = static_cast<int>(sizeof z / sizeof z[0]);
                          activate<T, A>(z);
                          AECORE_LOCKSTEP(kN) {
                            loss_of_output<T, Loss::squared_error>(z[i], x[i], loss[i], slope[i]);
                            slope[i] *= derivative<T, A>(z[i]);
                          }
                        });
}

/// The cross entropy from the logit z: softplus(z) - z x, which has no log(0); dloss/dz =
/// sigmoid(z) - x. With softplus(z) = max(z, 0) + log(1 + exp(-|z|)) the factor is in the log.
template <class T>
inline void cross_entropy_of_sigmoid(const OutputLoss<T>& c, T* tile, index_t row, index_t rows,
                                     index_t column, index_t columns) {
  output_tile<T, true>(c, tile, row, rows, column, columns,
                       [](index_t, auto& z, const auto& x, auto& loss, auto& factor, auto& slope) {
                         constexpr int kN = static_cast<int>(sizeof z / sizeof z[0]);
                         sigmoid_and_factor<T>(z, slope, factor);
                         AECORE_LOCKSTEP(kN) {
                           loss[i] = at_least(z[i], T{0}) - z[i] * x[i];
                           slope[i] -= x[i];
                         }
                       });
}

/// Poisson's loss of a positive output: log(x_hat) comes from z, as x_hat may underflow.
template <class T>
inline void poisson_of_sigmoid(const OutputLoss<T>& c, T* tile, index_t row, index_t rows,
                               index_t column, index_t columns) {
  output_tile<T, false>(c, tile, row, rows, column, columns,
                        [](index_t, auto& z, const auto& x, auto& loss, auto& factor, auto& slope) {
                          constexpr int kN = static_cast<int>(sizeof z / sizeof z[0]);
                          sigmoid_and_factor<T>(z, slope, factor);
                          AECORE_LOCKSTEP(kN) {
                            const Vec<T> log_x_hat = at_most(z[i], T{0}) - log_v<T>(factor[i]);
                            loss[i] = slope[i] - x[i] * log_x_hat;
                            slope[i] = (slope[i] - x[i]) * (T{1} - slope[i]);
                          }
                        });
}

template <class T>
inline void poisson_of_softplus(const OutputLoss<T>& c, T* tile, index_t row, index_t rows,
                                index_t column, index_t columns) {
  output_tile<T, false>(c, tile, row, rows, column, columns,
                        [](index_t, auto& z, const auto& x, auto& loss, auto&, auto& slope) {
                          constexpr int kN = static_cast<int>(sizeof z / sizeof z[0]);
                          // softplus(z) = e^z (1 - e^z/2 + ...): from here down its logarithm is z,
                          // and sigmoid(z) / softplus(z) is 1, to the last bit. Both may be 0.
                          constexpr T kIsExp = sizeof(T) == sizeof(float) ? T(-17) : T(-37);
                          Vec<T> x_hat[kN];
                          AECORE_LOCKSTEP(kN) x_hat[i] = z[i];
                          softplus_v<T>(x_hat);
                          AECORE_LOCKSTEP(kN) {
                            const IntVec<T> is_exp = z[i] < kIsExp;
                            const Vec<T> log_x_hat = select<T>(is_exp, z[i], log_v<T>(x_hat[i]));
                            const Vec<T> sigma = T{0} - expm1_v<T>(T{0} - x_hat[i]);
                            const Vec<T> ratio = select<T>(is_exp, splat(T{1}), sigma / x_hat[i]);
                            loss[i] = x_hat[i] - x[i] * log_x_hat;
                            slope[i] = sigma - x[i] * ratio;
                          }
                        });
}

/// Any loss of an output whose activation passed over the tile before, and left `slopes`.
template <class T, Loss L>
inline void loss_of_activated(const OutputLoss<T>& c, T* tile, const T* slopes, index_t row,
                              index_t rows, index_t column, index_t columns) {
  output_tile<T, false>(c, tile, row, rows, column, columns,
                        [&](index_t at, auto& a, const auto& x, auto& loss, auto&, auto& slope) {
                          constexpr int kN = static_cast<int>(sizeof a / sizeof a[0]);
                          AECORE_LOCKSTEP(kN) {
                            loss_of_output<T, L>(a[i], x[i], loss[i], slope[i]);
                            slope[i] *= load(slopes + at + i * Simd<T>::kLanes);
                          }
                        });
}

/// The activation passes over the tile, then the loss: a pass for each pair would be 45 of them, 8
/// KB of code each, in every instruction set and type.
template <class T>
inline void loss_after_activation(OutputLoss<T> c, T* tile, index_t row, index_t rows,
                                  index_t column, index_t columns) {
  T slopes[kTileRows * kWidth<T>];
  BiasActivation<T> activation = c.output;
  activation.bias += column;  // the tile stands for a matrix of its own
  activation.slope = slopes;
  bias_activation_slope(activation, tile, 0, rows, 0, columns);
  c.output.bias = nullptr;
  switch (c.loss) {
    case Loss::squared_error:
      return loss_of_activated<T, Loss::squared_error>(c, tile, slopes, row, rows, column, columns);
    case Loss::binary_cross_entropy:
      return loss_of_activated<T, Loss::binary_cross_entropy>(c, tile, slopes, row, rows, column,
                                                              columns);
    case Loss::absolute_error:
      return loss_of_activated<T, Loss::absolute_error>(c, tile, slopes, row, rows, column,
                                                        columns);
    case Loss::huber:
      return loss_of_activated<T, Loss::huber>(c, tile, slopes, row, rows, column, columns);
    case Loss::poisson:
      return loss_of_activated<T, Loss::poisson>(c, tile, slopes, row, rows, column, columns);
    case Loss::multinomial:  // is `multinomial_loss`
      return;
  }
}

/// each(row, column, value) for the entries of rows [row, row + rows) that come before `column_end`
/// and have not come yet.
template <class T, class Each>
inline void take_entries(const SparseTarget<T>& target, index_t row, index_t rows,
                         index_t column_end, Each each) {
  for (index_t r = row; r < row + rows; ++r) {
    index_t at = target.next[r];
    for (; at < target.end[r] && target.column[at] < column_end; ++at) {
      each(r - row, target.column[at], target.value[at]);
    }
    target.next[r] = at;
  }
}

template <class T>
void output_loss(const void* context, T* tile, index_t row, index_t rows, index_t column,
                 index_t columns);

/// The tile's entries become a dense target of its own.
template <class T>
__attribute__((noinline)) void loss_of_entries(const OutputLoss<T>& c, T* tile, index_t row,
                                               index_t rows, index_t column, index_t columns) {
  constexpr index_t kW = kWidth<T>;
  T target[kTileRows * kW] = {};
  T observed[kTileRows * kW];
  OutputLoss<T> own = c;  // the tile stands for the first rows of a matrix
  if (own.feature_weight != nullptr) own.feature_weight += row * kW;
  if (c.sparse->observed_only) {
    for (T& each : observed) each = 0;
    own.feature_weight = observed;
    own.feature_weight_stride = 0;
  }
  take_entries(*c.sparse, row, rows, column + columns, [&](index_t r, index_t j, T value) {
    target[r * kW + j - column] = value;
    observed[r * kW + j - column] = 1;
  });
  own.sparse = nullptr;
  own.target = target;
  own.target_row = kW;
  own.target_stride = 0;
  own.row_weight += row;
  own.row_loss += row;
  own.partial_row -= row;
  output_loss<T>(&own, tile, 0, rows, column, columns);
}

template <class T>
void output_loss(const void* context, T* tile, index_t row, index_t rows, index_t column,
                 index_t columns) {
  const auto& c = *static_cast<const OutputLoss<T>*>(context);
  const Activation a = c.output.activation;
  if (c.sparse != nullptr) return loss_of_entries(c, tile, row, rows, column, columns);
  if (c.loss == Loss::binary_cross_entropy && a == Activation::sigmoid) {
    return cross_entropy_of_sigmoid(c, tile, row, rows, column, columns);
  }
  if (c.loss == Loss::squared_error && a == Activation::sigmoid) {
    return squared_error_of<T, Activation::sigmoid>(c, tile, row, rows, column, columns);
  }
  if (c.loss == Loss::squared_error && a == Activation::identity) {
    return squared_error_of<T, Activation::identity>(c, tile, row, rows, column, columns);
  }
  if (c.loss == Loss::poisson && a == Activation::sigmoid) {
    return poisson_of_sigmoid(c, tile, row, rows, column, columns);
  }
  if (c.loss == Loss::poisson && a == Activation::softplus) {
    return poisson_of_softplus(c, tile, row, rows, column, columns);
  }
  loss_after_activation(c, tile, row, rows, column, columns);
}
