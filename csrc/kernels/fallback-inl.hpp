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

// Limits that let NaN through: a comparison with it is false.
template <class T>
inline Vec<T> at_most(Vec<T> x, T limit) {
  return select<T>(x > limit, splat(limit), x);
}
template <class T>
inline Vec<T> at_least(Vec<T> x, T limit) {
  return select<T>(x < limit, splat(limit), x);
}
