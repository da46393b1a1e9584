// The last layer's epilogue: from z to the row's loss and to delta = weight_i dloss/dz, in place.

template <class T>
struct LossAndSlope {
  Vec<T> loss, slope;
};

/// From the output x_hat; slope is dloss/dx_hat.
template <class T, Loss L>
inline LossAndSlope<T> loss_of_output(Vec<T> x_hat, Vec<T> x) {
  if constexpr (L == Loss::squared_error) {
    const Vec<T> error = x_hat - x;
    return {T(0.5) * error * error, error};
  } else {
    // -x log p - (1 - x) log(1 - p) with p = x_hat clipped away from 0 and 1, where log is finite;
    // the clipped function is flat outside, and so is its slope.
    constexpr T kLow = T(kProbabilityClip);
    constexpr T kHigh = T(1) - T(kProbabilityClip);
    Vec<T> p = select<T>(x_hat < kLow, splat(kLow), x_hat);
    p = select<T>(p > kHigh, splat(kHigh), p);
    const IntVec<T> inside = (x_hat >= kLow) & (x_hat <= kHigh);
    const Vec<T> q = T(1) - p;
    const Vec<T> loss = T(0) - x * log_v<T>(p) - (T(1) - x) * log_v<T>(q);
    return {loss, select<T>(inside, (p - x) / (p * q), Vec<T>{})};
  }
}

/// Binary cross entropy of a sigmoid output from its logit z: softplus(z) - z x,
/// which has no log(0); slope is dloss/dz = sigmoid(z) - x.
template <class T>
inline LossAndSlope<T> loss_of_logit(Vec<T> z, Vec<T> x) {
  const Softplus<T> s = softplus_v<T>(z);
  return {s.softplus - z * x, s.sigmoid - x};
}

inline void fetch_rows_ahead(RowFetch& f) {
  index_t left = f.bytes_per_tile;
  while (left > 0 && f.done_rows < f.n_rows) {
    const index_t row =
        f.rows != nullptr ? f.rows[f.first_row + f.done_rows] : f.first_row + f.done_rows;
    const char* const from = f.data + row * f.row_stride;
    for (; left > 0 && f.done_bytes < f.row_bytes; left -= 64, f.done_bytes += 64) {
      __builtin_prefetch(from + f.done_bytes, 0, 2);
    }
    if (f.done_bytes < f.row_bytes) return;
    f.done_bytes = 0;
    ++f.done_rows;
  }
}

/// The tile's targets travel from the second-level cache while its outputs are computed.
template <class T>
void fetch_target(const void* context, index_t row, index_t rows, index_t column) {
  const auto& c = *static_cast<const OutputLoss<T>*>(context);
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLine = 64 / sizeof(T);
  const T* const x = c.target + (column / kW) * c.target_stride + row * kW;
  for (index_t i = 0; i < rows * kW; i += kLine) __builtin_prefetch(x + i, 0, 3);
  if (c.ahead != nullptr) fetch_rows_ahead(*c.ahead);
}

/// Runs `each(z, x)` over the tile and books what it returns.
template <class T, class Each>
inline void output_tile(const OutputLoss<T>& c, T* tile, index_t row, index_t rows, index_t column,
                        index_t columns, Each each) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  const T* x = c.target + (column / kW) * c.target_stride + row * kW;
  Vec<T> bias[kVectors];
  load_panel(c.output.bias + column, columns, bias);
  for (index_t r = 0; r < rows; ++r, tile += kW, x += kW) {
    const Vec<T> weight = splat(c.row_weight[row + r]);
    Vec<T> loss = {};
    for (int v = 0; v < kVectors; ++v) {
      T* const p = tile + v * kLanes;
      LossAndSlope<T> result = each(load(p) + bias[v], load(x + v * kLanes));
      if (columns < kW) {  // nothing past the last column counts, be it NaN
        const IntVec<T> real = lanes_below<T>(columns - v * kLanes);
        result.loss = select<T>(real, result.loss, Vec<T>{});
        result.slope = select<T>(real, result.slope, Vec<T>{});
      }
      loss += result.loss;
      store(p, weight * result.slope);
    }
    c.row_loss[row + r] += static_cast<double>(lane_sum(loss));
  }
}

template <Loss L>
struct LossTag {
  static constexpr Loss value = L;
};

template <class T>
void output_loss(const void* context, T* tile, index_t row, index_t rows, index_t column,
                 index_t columns) {
  const auto& c = *static_cast<const OutputLoss<T>*>(context);
  const auto from_output = [&](auto loss_tag) {
    with_activation(c.output.activation, [&](auto tag) {
      output_tile(c, tile, row, rows, column, columns, [](Vec<T> z, Vec<T> x) {
        const Vec<T> x_hat = activate<T, decltype(tag)::value>(z);
        LossAndSlope<T> result = loss_of_output<T, decltype(loss_tag)::value>(x_hat, x);
        result.slope *= derivative<T, decltype(tag)::value>(x_hat);
        return result;
      });
    });
  };
  if (c.loss == Loss::squared_error) {
    from_output(LossTag<Loss::squared_error>{});
  } else if (c.output.activation == Activation::sigmoid) {
    output_tile(c, tile, row, rows, column, columns,
                [](Vec<T> z, Vec<T> x) { return loss_of_logit<T>(z, x); });
  } else {
    from_output(LossTag<Loss::binary_cross_entropy>{});
  }
}
