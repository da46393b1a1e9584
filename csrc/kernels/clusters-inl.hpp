// Rows of a code beside the centres of clusters: Student's t with one degree of freedom as
// similarity.

/// Squared distances go no further: their inverses are normal numbers, and so is that of the sum.
template <class T>
constexpr T kFarthest = sizeof(T) == 4 ? T(0x1p125) : T(0x1p1020);

/// 1 / (1 + |z - mu_j|^2) of one row for every cluster j, to `q`; their sum.
template <class T>
inline T similarities(const ClusterCall<T>& c, index_t row) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<T>::kLanes;
  const T* const z = c.z + row * kW;
  Vec<T> sum = {};
  for (index_t column = 0; column < c.n_clusters; column += kW) {
    const T* mu = c.centers + column / kW * c.centers_stride;
    T* const q = c.q + column / kW * c.q_stride + row * kW;
    Vec<T> squares[kVectors] = {};
    for (index_t k = 0; k < c.n_code; ++k, mu += kW) {
      const Vec<T> z_k = splat(z[k / kW * c.z_stride + k % kW]);
      AECORE_LOCKSTEP(kVectors) {
        const Vec<T> difference = z_k - load(mu + i * kLanes);
        squares[i] = madd(difference, difference, squares[i]);
      }
    }
    AECORE_LOCKSTEP(kVectors) {
      const IntVec<T> real = lanes_below<T>(c.n_clusters - column - i * kLanes);
      const Vec<T> farthest = splat(kFarthest<T>);
      const Vec<T> square = select<T>(squares[i] > farthest, farthest, squares[i]);
      const Vec<T> u = select<T>(real, T{1} / (T{1} + square), Vec<T>{});
      sum += u;
      store(q + i * kLanes, u);
    }
  }
  return lane_sum(sum);
}

template <class T>
void soft_assignment(const ClusterCall<T>& c) {
  for (index_t row = 0; row < c.n_rows; ++row) {
    const T share = T{1} / similarities(c, row);
    for_row_vectors<T>(c.n_clusters, [&](index_t panel, index_t at, IntVec<T>) {
      T* const q = c.q + panel * c.q_stride + row * kWidth<T> + at;
      store(q, share * load(q));
    });
  }
}

/// With u the similarities: delta_ij = -2 weight_i (p_ij - q_ij) u_ij.
template <class T>
void clustering_loss(const ClusterCall<T>& c) {
  constexpr index_t kW = kWidth<T>;
  const Vec<T> tiny = splat(T(0x1p-126));  // log wants normal numbers
  for (index_t row = 0; row < c.n_rows; ++row) {
    const T share = T{1} / similarities(c, row);
    const T factor = T{-2} * c.weight * c.row_weight[row];
    Vec<T> divergence = {}, delta_sum = {};
    for_row_vectors<T>(c.n_clusters, [&](index_t panel, index_t at, IntVec<T>) {
      T* const delta = c.q + panel * c.q_stride + row * kW + at;
      const Vec<T> p = load(c.p + panel * c.p_stride + row * kW + at);
      const Vec<T> u = load(delta), q = share * u;
      const Vec<T> log_ratio =
          log_v<T>(select<T>(p < tiny, tiny, p)) - log_v<T>(select<T>(q < tiny, tiny, q));
      divergence += p * log_ratio + T{0} * q;  // 0 log 0 is 0, but a NaN of q is one
      const Vec<T> by_square = factor * (p - q) * u;
      delta_sum += by_square;
      store(delta, by_square);
    });
    c.divergence[row] = static_cast<double>(lane_sum(divergence));
    if (c.by_code == nullptr) continue;
    const Vec<T> total = splat(-lane_sum(delta_sum));
    for_row_vectors<T>(c.n_code, [&](index_t panel, index_t at, IntVec<T> real) {
      const Vec<T> z = load(c.z + panel * c.z_stride + row * kW + at);
      store(c.by_code + panel * c.by_code_stride + row * kW + at,
            select<T>(real, total * z, Vec<T>{}));
    });
  }
}
