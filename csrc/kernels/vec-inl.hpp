// The vector type: GCC/Clang vector extensions of AECORE_VECTOR_BYTES bytes. The including file
// supplies what the extensions lack: madd, square_root, load_partial, store_partial.
// No include guard: each instruction set compiles its own copy into its unnamed namespace.

template <class T>
struct Simd;

template <>
struct Simd<float> {
  typedef float V __attribute__((vector_size(AECORE_VECTOR_BYTES)));
  typedef std::int32_t I __attribute__((vector_size(AECORE_VECTOR_BYTES)));
  typedef std::int32_t Int;
  static constexpr int kLanes = AECORE_VECTOR_BYTES / 4;
  static constexpr int kMantissa = 23;
  static constexpr Int kBias = 127;
  static constexpr Int kExponentMask = 0x7F800000;
  static constexpr float kRound =
      0x1.8p23f;  // adding it leaves the nearest integer in the low bits
};

template <>
struct Simd<double> {
  typedef double V __attribute__((vector_size(AECORE_VECTOR_BYTES)));
  typedef std::int64_t I __attribute__((vector_size(AECORE_VECTOR_BYTES)));
  typedef std::int64_t Int;
  static constexpr int kLanes = AECORE_VECTOR_BYTES / 8;
  static constexpr int kMantissa = 52;
  static constexpr Int kBias = 1023;
  static constexpr Int kExponentMask = 0x7FF0000000000000;
  static constexpr double kRound = 0x1.8p52;
};

template <class T>
using Vec = typename Simd<T>::V;
template <class T>
using IntVec = typename Simd<T>::I;

// Random words, two to a lane or one.
typedef std::uint64_t Words64 __attribute__((vector_size(AECORE_VECTOR_BYTES)));
typedef std::uint32_t Words32 __attribute__((vector_size(AECORE_VECTOR_BYTES)));

constexpr int kVectors = 2;  // vectors in one row of a register tile
template <class T>
constexpr index_t kWidth = kVectors * Simd<T>::kLanes;  // columns of a panel

template <class T>
inline Vec<T> load(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline void store(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}
template <class T>
inline Vec<T> splat(T x) {
  return x - Vec<T>{};  // x + 0 would turn -0 into +0, so the compiler could not fold it
}
template <class T>
inline IntVec<T> bits(Vec<T> v) {
  return reinterpret_cast<IntVec<T>>(v);
}
template <class T>
inline Vec<T> from_bits(IntVec<T> v) {
  return reinterpret_cast<Vec<T>>(v);
}
template <class T>
inline Vec<T> select(IntVec<T> mask, Vec<T> yes, Vec<T> no) {
  return mask ? yes : no;
}
template <class T>
inline Vec<T> absolute(Vec<T> v) {
  return from_bits<T>(bits<T>(v) &
                      ~(IntVec<T>{} + (typename Simd<T>::Int{1} << (sizeof(T) * 8 - 1))));
}

/// -1, 0 or 1.
template <class T>
inline Vec<T> sign(Vec<T> v) {
  return select<T>(v > T{0}, splat(T{1}), select<T>(v < T{0}, splat(T{-1}), Vec<T>{}));
}

/// -1 in the lanes below count, 0 in the others.
template <class T>
inline IntVec<T> lanes_below(index_t count) {
  IntVec<T> lane;
  for (int i = 0; i < Simd<T>::kLanes; ++i) lane[i] = i;
  return lane < (IntVec<T>{} + static_cast<typename Simd<T>::Int>(count));
}

/// a0 b0 a1 b1 ... of the lower (High: upper) halves of a and b.
template <class T, bool High>
inline Vec<T> interleave(Vec<T> a, Vec<T> b) {
  constexpr int kLanes = Simd<T>::kLanes;
  constexpr int kFirst = High ? kLanes / 2 : 0;
#if defined(__clang__)
  Vec<T> out;
  for (int i = 0; i < kLanes / 2; ++i) {
    out[2 * i] = a[kFirst + i];
    out[2 * i + 1] = b[kFirst + i];
  }
  return out;
#else
  IntVec<T> lanes = {};
  for (int i = 0; i < kLanes / 2; ++i) {
    lanes[2 * i] = kFirst + i;
    lanes[2 * i + 1] = kFirst + i + kLanes;
  }
  return __builtin_shuffle(a, b, lanes);
#endif
}

inline index_t smaller(index_t a, index_t b) { return a < b ? a : b; }
