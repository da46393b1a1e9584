// The register tile of every product.

/// Lines that a tile fetches while it is computed, one in each term of its sum: a burst of them
/// before the tile would wait for the few that may be under way at a time.
struct Lines {
  const char *next, *end;

  void fetch() {
    __builtin_prefetch(next, 0, 2);
    next += next < end ? 64 : 0;
  }
};
/// Two in each term: for sums of fewer terms.
struct LinePairs {
  Lines lines;

  void fetch() {
    lines.fetch();
    lines.fetch();
  }
};
struct NoLines {
  void fetch() {}
};

/// c (or c +=) = the sum of the steps that `walk` takes, accumulated from zero. Each multiplies MR
/// numbers, `row` apart from `column` on, by NV vectors of b. MR x NV accumulators, NV loads of b
/// and one broadcast fit the registers.
template <class T, int MR, int NV, class Ahead, class Walk>
inline void tile(T* c, index_t c_row, bool add, Ahead ahead, Walk walk) {
  constexpr int kLanes = Simd<T>::kLanes;
  Vec<T> sum[MR][NV];
  AECORE_UNROLL
  for (int r = 0; r < MR; ++r) {
    AECORE_UNROLL
    for (int v = 0; v < NV; ++v) sum[r][v] = Vec<T>{};
  }
  walk([&](const T* column, index_t row, const T* b) AECORE_INLINE_LAMBDA {
    ahead.fetch();
    Vec<T> bv[NV];
    AECORE_UNROLL
    for (int v = 0; v < NV; ++v) bv[v] = load(b + v * kLanes);
    AECORE_UNROLL
    for (int r = 0; r < MR; ++r) {
      const Vec<T> x = splat(column[r * row]);
      AECORE_UNROLL
      for (int v = 0; v < NV; ++v) sum[r][v] = madd(x, bv[v], sum[r][v]);
    }
  });
  AECORE_UNROLL
  for (int r = 0; r < MR; ++r) {
    AECORE_UNROLL
    for (int v = 0; v < NV; ++v) {
      T* const out = c + r * c_row + v * kLanes;
      store(out, add ? load(out) + sum[r][v] : sum[r][v]);
    }
  }
}

/// 0..kTileRows - 1 as a pack; the standard library's templates must not be compiled here.
template <int... R>
struct Rows {};
template <int N, int... R>
struct CountTo : CountTo<N - 1, N - 1, R...> {};
template <int... R>
struct CountTo<0, R...> {
  using type = Rows<R...>;
};
using TileHeights = typename CountTo<kTileRows>::type;

/// Rows of the next tile where `left` remain: even heights, no thin last tile.
inline index_t tile_height(index_t left) {
  const index_t tiles = (left + kTileRows - 1) / kTileRows;
  return (left + tiles - 1) / tiles;
}
