// Softmax and its loss, for which a row has to be there as a whole: the product leaves z, then each
// row is passed over in its panels, which are still in cache.

/// each(panel, vector, real) for the vectors of a row of n columns: where it lies, and which lanes
/// hold columns.
template <class T, class Each>
inline void for_row_vectors(index_t n, Each each) {
  constexpr int kLanes = Simd<T>::kLanes;
  for (index_t column = 0; column < n; column += kLanes) {
    each(column / kWidth<T>, column % kWidth<T>, lanes_below<T>(n - column));
  }
}

template <class T>
inline T lane_max(Vec<T> v) {
  T largest = v[0];
  for (int i = 1; i < Simd<T>::kLanes; ++i) largest = largest < v[i] ? v[i] : largest;
  return largest;
}

/// The largest z of each row. A NaN may be passed over here, but not in the sum that follows.
template <class T, int kRows>
inline void largest_of_rows(const T* z, index_t stride, index_t n, T (&out)[kRows]) {
  Vec<T> largest[kRows];
  AECORE_LOCKSTEP(kRows) largest[i] = splat(z[i * kWidth<T>]);
  for_row_vectors<T>(n, [&](index_t panel, index_t at, IntVec<T> real) {
    AECORE_LOCKSTEP(kRows) {
      const Vec<T> v = load(z + panel * stride + i * kWidth<T> + at);
      largest[i] = select<T>(real & (v > largest[i]), v, largest[i]);
    }
  });
  for (int i = 0; i < kRows; ++i) out[i] = lane_max<T>(largest[i]);
}

/// exp(z - the row's largest) of one vector, zero past the row's end.
template <class T>
inline Vec<T> shifted_exp(Vec<T> shifted, IntVec<T> real) {
  Vec<T> e[1] = {at_least(shifted, -ExpConstants<T>::kNormal)};
  exp_normal<T>(e);
  return select<T>(real, e[0], Vec<T>{});
}

template <class T>
void softmax(T* z, index_t stride, index_t rows, index_t n) {
  for (index_t r = 0; r < rows; ++r, z += kWidth<T>) {
    T largest[1];
    largest_of_rows(z, stride, n, largest);
    Vec<T> sum = {};
    for_row_vectors<T>(n, [&](index_t panel, index_t at, IntVec<T> real) {
      T* const p = z + panel * stride + at;
      const Vec<T> e = shifted_exp<T>(load(p) - largest[0], real);
      sum += e;
      store(p, e);
    });
    const T share = T{1} / lane_sum(sum);
    for_row_vectors<T>(n, [&](index_t panel, index_t at, IntVec<T>) {
      T* const p = z + panel * stride + at;
      store(p, share * load(p));
    });
  }
}

/// Targets of a few rows, panel by panel, as a tile.
template <class T, int kRows>
class TargetTiles {
 public:
  TargetTiles(const OutputLoss<T>& c, index_t row) : c_(c), row_(row) { start(); }

  /// From the first panel again.
  void start() {
    if (c_.sparse == nullptr) return;
    for (index_t r = row_; r < row_ + kRows; ++r) c_.sparse->next[r] = c_.sparse->begin[r];
    move_on();
  }

  /// Row r of the panel at `column` begins `row_distance` r behind what is returned.
  const T* at(index_t column, index_t& row_distance) {
    if (c_.sparse == nullptr) {
      row_distance = c_.target_row;
      return c_.target + column / kWidth<T> * c_.target_stride + row_ * c_.target_row;
    }
    row_distance = kWidth<T>;
    if (dirty_) {
      for (T& each : tile_) each = 0;
      dirty_ = false;
    }
    if (upcoming_ < column + kWidth<T>) {
      take_entries(*c_.sparse, row_, kRows, column + kWidth<T>, [&](index_t r, index_t j, T value) {
        tile_[r * kWidth<T> + j - column] = value;
      });
      dirty_ = true;
      move_on();
    }
    return tile_;
  }

 private:
  /// The next column with an entry.
  void move_on() {
    const SparseTarget<T>& s = *c_.sparse;
    upcoming_ = c_.n_columns + kWidth<T>;
    for (index_t r = row_; r < row_ + kRows; ++r) {
      if (s.next[r] < s.end[r]) upcoming_ = smaller(upcoming_, s.column[s.next[r]]);
    }
  }

  const OutputLoss<T>& c_;
  const index_t row_;
  index_t upcoming_ = 0;
  bool dirty_ = true;
  T tile_[kRows * kWidth<T>];
};

/// Rows together: a panel of one row alone is two lines on a page of its own.
template <class T, int kRows>
inline void multinomial_rows(const OutputLoss<T>& c, T* z, index_t stride, index_t row) {
  constexpr int kLanes = Simd<T>::kLanes;
  constexpr index_t kW = kWidth<T>;
  constexpr int kN = kRows * kVectors;
  const index_t n = c.n_columns;
  TargetTiles<T, kRows> targets(c, row);
  T largest[kRows];
  largest_of_rows(z, stride, n, largest);
  Vec<T> exp_sum[kRows] = {}, x_sum[kRows] = {}, product_sum[kRows] = {};
  for (index_t column = 0; column < n; column += kW) {
    T* const p = z + column / kW * stride;
    IntVec<T> real[kVectors];
    AECORE_LOCKSTEP(kVectors) real[i] = lanes_below<T>(n - column - i * kLanes);
    index_t x_row;
    const T* const x = targets.at(column, x_row);
    Vec<T> e[kN];
    AECORE_LOCKSTEP(kN) {
      const Vec<T> shifted =
          select<T>(real[i % kVectors], load(p + i * kLanes) - largest[i / kVectors], Vec<T>{});
      const Vec<T> target = select<T>(
          real[i % kVectors], load(x + i / kVectors * x_row + i % kVectors * kLanes), Vec<T>{});
      x_sum[i / kVectors] += target;
      product_sum[i / kVectors] = madd(target, shifted, product_sum[i / kVectors]);
      e[i] = at_least(shifted, -ExpConstants<T>::kNormal);
    }
    exp_normal<T>(e);
    AECORE_LOCKSTEP(kN) {
      e[i] = select<T>(real[i % kVectors], e[i], Vec<T>{});
      exp_sum[i / kVectors] += e[i];
      store(p + i * kLanes, e[i]);
    }
  }
  T share[kRows], weight[kRows];
  for (int r = 0; r < kRows; ++r) {
    const T total = lane_sum(exp_sum[r]), x_total = lane_sum(x_sum[r]);
    const T log_total = log_v<T>(splat(total))[0];
    c.row_loss[row + r] += static_cast<double>(x_total * log_total - lane_sum(product_sum[r]));
    share[r] = x_total / total;
    weight[r] = c.row_weight[row + r];
  }
  targets.start();
  for (index_t column = 0; column < n; column += kW) {
    T* const p = z + column / kW * stride;
    index_t x_row;
    const T* const x = targets.at(column, x_row);
    AECORE_LOCKSTEP(kN) {
      const Vec<T> target = load(x + i / kVectors * x_row + i % kVectors * kLanes);
      store(p + i * kLanes,
            weight[i / kVectors] * (share[i / kVectors] * load(p + i * kLanes) - target));
    }
  }
}

/// loss = -sum_j x_j log softmax(z)_j, dloss/dz = (sum_j x_j) softmax(z) - x.
template <class T>
void multinomial_loss(const OutputLoss<T>& c, T* z, index_t stride, index_t row, index_t rows) {
  for_row_groups(rows, [&](auto count, index_t r) {
    multinomial_rows<T, decltype(count)::value>(c, z + r * kWidth<T>, stride, row + r);
  });
}
