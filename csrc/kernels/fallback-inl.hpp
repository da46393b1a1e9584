// What the vector extensions lack, for instruction sets without an instruction of their own for it.

// Vectors that end early: nothing past `count` elements is touched.
template <class T>
inline Vec<T> load_partial(const T* p, index_t count) {
  Vec<T> v = {};
  for (index_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
}
template <class T>
inline void store_partial(T* p, Vec<T> v, index_t count) {
  for (index_t i = 0; i < count; ++i) p[i] = v[i];
}

/// The 64-bit products of the lower halves of each lane with `b`.
inline Words64 multiply_low(Words64 a, std::uint32_t b) { return (a & 0xFFFFFFFFu) * b; }

/// A vector of numbers from bytes.
template <class V>
inline void from_bytes(const char* p, V& out) {
  for (unsigned i = 0; i < sizeof(V) / sizeof out[0]; ++i) {
    out[i] = static_cast<unsigned char>(p[i]);
  }
}

// Limits that let NaN through: a comparison with it is false.
template <class T>
inline Vec<T> at_most(Vec<T> x, T limit) {
  return select<T>(x > limit, splat(limit), x);
}
template <class T>
inline Vec<T> at_least(Vec<T> x, T limit) {
  return select<T>(x < limit, splat(limit), x);
}

/// Halves, quarters, ...: a fixed order.
template <class T>
inline T lane_tree(Vec<T> v) {
  T lane[Simd<T>::kLanes];
  store(lane, v);
  for (int width = Simd<T>::kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}
inline float lane_sum(Vec<float> v) { return lane_tree<float>(v); }
inline double lane_sum(Vec<double> v) { return lane_tree<double>(v); }
