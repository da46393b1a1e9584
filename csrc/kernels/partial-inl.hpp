// Vectors that end early, for instruction sets without masked memory access. Nothing past `count`
// elements is touched.

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
