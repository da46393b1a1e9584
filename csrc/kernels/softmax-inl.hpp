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

/// The row's largest z. A NaN may be passed over here, but not in the sum that follows.
template <class T>
inline T largest_of_row(const T* z, index_t stride, index_t n) {
  Vec<T> largest = splat(z[0]);
  for_row_vectors<T>(n, [&](index_t panel, index_t at, IntVec<T> real) {
    const Vec<T> v = load(z + panel * stride + at);
    largest = select<T>(real & (v > largest), v, largest);
  });
  return lane_max<T>(largest);
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
    const T largest = largest_of_row(z, stride, n);
    Vec<T> sum = {};
    for_row_vectors<T>(n, [&](index_t panel, index_t at, IntVec<T> real) {
      T* const p = z + panel * stride + at;
      const Vec<T> e = shifted_exp<T>(load(p) - largest, real);
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

/// The target of one row, panel by panel.
template <class T>
class TargetRow {
 public:
  TargetRow(const OutputLoss<T>& c, index_t row) : c_(c), row_(row) { start(); }

  /// From the first panel again.
  void start() {
    if (c_.sparse == nullptr) return;
    c_.sparse->next[row_] = c_.sparse->begin[row_];
    move_on();
  }

  /// The panel at `column`; each is asked for in its turn.
  const T* panel(index_t column) {
    if (c_.sparse == nullptr) {
      return c_.target + column / kWidth<T> * c_.target_stride + row_ * c_.target_row;
    }
    if (dirty_) {
      for (T& each : panel_) each = 0;
      dirty_ = false;
    }
    if (upcoming_ < column + kWidth<T>) {
      take_entries(*c_.sparse, row_, 1, column + kWidth<T>,
                   [&](index_t, index_t j, T value) { panel_[j - column] = value; });
      dirty_ = true;
      move_on();
    }
    return panel_;
  }

 private:
  void move_on() {
    const SparseTarget<T>& s = *c_.sparse;
    const index_t at = s.next[row_];
    upcoming_ = at < s.end[row_] ? s.column[at] : c_.n_columns + kWidth<T>;
  }

  const OutputLoss<T>& c_;
  const index_t row_;
  index_t upcoming_ = 0;  // the next column with an entry
  bool dirty_ = true;
  T panel_[kWidth<T>];
};

/// loss = -sum_j x_j log softmax(z)_j, dloss/dz = (sum_j x_j) softmax(z) - x.
template <class T>
void multinomial_loss(const OutputLoss<T>& c, T* z, index_t stride, index_t row, index_t rows) {
  constexpr int kLanes = Simd<T>::kLanes;
  constexpr index_t kW = kWidth<T>;
  const index_t n = c.n_columns;
  for (index_t r = row; r < row + rows; ++r, z += kW) {
    TargetRow<T> target(c, r);
    const T largest = largest_of_row(z, stride, n);
    Vec<T> exp_sum = {}, x_sum = {}, product_sum = {};
    for (index_t column = 0; column < n; column += kW) {
      T* const p = z + column / kW * stride;
      const T* const x = target.panel(column);
      AECORE_LOCKSTEP(kVectors) {
        const IntVec<T> real = lanes_below<T>(n - column - i * kLanes);
        const Vec<T> shifted = select<T>(real, load(p + i * kLanes) - largest, Vec<T>{});
        const Vec<T> x_i = select<T>(real, load(x + i * kLanes), Vec<T>{});
        const Vec<T> e = shifted_exp<T>(shifted, real);
        exp_sum += e;
        x_sum += x_i;
        product_sum = madd(x_i, shifted, product_sum);
        store(p + i * kLanes, e);
      }
    }
    const T total = lane_sum(exp_sum), x_total = lane_sum(x_sum);
    const T log_total = log_v<T>(splat(total))[0];
    c.row_loss[r] += static_cast<double>(x_total * log_total - lane_sum(product_sum));
    const T share = x_total / total, weight = c.row_weight[r];
    target.start();
    for (index_t column = 0; column < n; column += kW) {
      T* const p = z + column / kW * stride;
      const T* const x = target.panel(column);
      AECORE_LOCKSTEP(kVectors) {
        const IntVec<T> real = lanes_below<T>(n - column - i * kLanes);
        const Vec<T> x_i = select<T>(real, load(x + i * kLanes), Vec<T>{});
        store(p + i * kLanes, weight * (share * load(p + i * kLanes) - x_i));
      }
    }
  }
}
