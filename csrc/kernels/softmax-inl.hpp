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

/// loss = -sum_j x_j log softmax(z)_j, dloss/dz = (sum_j x_j) softmax(z) - x.
template <class T>
void multinomial_loss(const OutputLoss<T>& c, T* z, index_t stride, index_t row, index_t rows) {
  const index_t n = c.n_columns;
  const T* x = c.target + row * c.target_row;
  for (index_t r = 0; r < rows; ++r, z += kWidth<T>, x += c.target_row) {
    const T largest = largest_of_row(z, stride, n);
    Vec<T> exp_sum = {}, x_sum = {}, product_sum = {};
    for_row_vectors<T>(n, [&](index_t panel, index_t at, IntVec<T> real) {
      T* const p = z + panel * stride + at;
      const Vec<T> shifted = select<T>(real, load(p) - largest, Vec<T>{});
      const Vec<T> target = select<T>(real, load(x + panel * c.target_stride + at), Vec<T>{});
      const Vec<T> e = shifted_exp<T>(shifted, real);
      exp_sum += e;
      x_sum += target;
      product_sum = madd(target, shifted, product_sum);
      store(p, e);
    });
    const T total = lane_sum(exp_sum), x_total = lane_sum(x_sum);
    const T log_total = log_v<T>(splat(total))[0];
    c.row_loss[row + r] += static_cast<double>(x_total * log_total - lane_sum(product_sum));
    const T share = x_total / total, weight = c.row_weight[row + r];
    for_row_vectors<T>(n, [&](index_t panel, index_t at, IntVec<T> real) {
      T* const p = z + panel * stride + at;
      const Vec<T> target = select<T>(real, load(x + panel * c.target_stride + at), Vec<T>{});
      store(p, weight * (share * load(p) - target));
    });
  }
}
