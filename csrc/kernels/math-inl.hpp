// exp, log, log1p, sigmoid, tanh as polynomials, the same source for float and double. Error bounds
// in units in the last place are stated in tests/test_math.py and checked there over the whole
// range.

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float kLog2e = 0x1.715476p+0f;
  static constexpr float kLn2High = 0x1.62e4p-1f;  // 14 bits: n * kLn2High is exact for |n| < 512
  static constexpr float kLn2Low = 0x1.7f7d1cp-20f;
  static constexpr float kSqrtHalf = 0x1.6a09e6p-1f;
  static constexpr float kMax = 89.0f;    // exp overflows from 88.73
  static constexpr float kMin = -104.0f;  // exp is below half the smallest subnormal from -103.98
  static constexpr float kNormal =
      0x1.5d589ep+6f;                       // 126 ln 2: exp(+-kNormal) are normal, and 1 / them
  static constexpr float kTanhMax = 20.0f;  // tanh(10) rounds to 1
  // (exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2, minimax: exp(r) to 3.1e-9
  static constexpr float kExp[] = {0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.1239e4p-7f,
                                   0x1.6a2434p-10f};
  // (log(1 + u) - u) / u^2 on [0, 1], minimax: log(1 + u) to 3.3e-8
  static constexpr float kLog1p[] = {-0x1.ffff14p-2f, 0x1.5535dap-2f,  -0x1.fd1320p-3f,
                                     0x1.88444cp-3f,  -0x1.19ad80p-3f, 0x1.446be2p-4f,
                                     -0x1.ec98d4p-6f, 0x1.5f968ep-8f};
  // atanh(s) / s - 1 in s^2, up to s = 0.172
  static constexpr float kAtanh[] = {1.0f / 3, 1.0f / 5, 1.0f / 7, 1.0f / 9, 1.0f / 11};
};

template <>
struct ExpConstants<double> {
  static constexpr double kLog2e = 0x1.71547652b82fep+0;
  static constexpr double kLn2High = 0x1.62e42fefa0000p-1;  // 33 bits
  static constexpr double kLn2Low = 0x1.cf79abc9e3b3ap-40;
  static constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
  static constexpr double kMax = 710.0;
  static constexpr double kMin = -746.0;
  static constexpr double kNormal = 0x1.6232bdd7abcd2p+9;  // 1022 ln 2
  static constexpr double kTanhMax = 40.0;                 // tanh(20) rounds to 1
  // (exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2: Taylor, to 5e-18
  static constexpr double kExp[] = {1.0 / 2,        1.0 / 6,         1.0 / 24,
                                    1.0 / 120,      1.0 / 720,       1.0 / 5040,
                                    1.0 / 40320,    1.0 / 362880,    1.0 / 3628800,
                                    1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
  // atanh(s) / s - 1 in s^2, up to s = 1/3: Taylor, to 2e-17
  static constexpr double kAtanh[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13,
                                      1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25,
                                      1.0 / 27, 1.0 / 29, 1.0 / 31, 1.0 / 33};
};

template <class T, int N>
inline Vec<T> polynomial(const T (&coefficient)[N], Vec<T> x) {
  Vec<T> y = splat(coefficient[N - 1]);
  for (int i = N - 2; i >= 0; --i) y = madd(y, x, splat(coefficient[i]));
  return y;
}

/// x = n ln 2 + r with |r| <= ln 2 / 2; expm1_r = exp(r) - 1.
template <class T>
struct ReducedExp {
  IntVec<T> n;
  Vec<T> expm1_r;
};

template <class T>
inline ReducedExp<T> reduced_exp(Vec<T> x) {
  using C = ExpConstants<T>;
  const Vec<T> rounded = madd(x, splat(C::kLog2e), splat(Simd<T>::kRound));
  const Vec<T> n = rounded - splat(Simd<T>::kRound);
  const Vec<T> r = madd(n, splat(-C::kLn2Low), madd(n, splat(-C::kLn2High), x));
  return {bits<T>(rounded) - bits<T>(splat(Simd<T>::kRound)),
          madd(polynomial(C::kExp, r), r * r, r)};
}

template <class T>
inline Vec<T> power_of_two(IntVec<T> n) {  // normal results only
  return from_bits<T>((n + Simd<T>::kBias) << Simd<T>::kMantissa);
}

template <class T>
inline Vec<T> exp_v(Vec<T> x) {
  using C = ExpConstants<T>;
  const ReducedExp<T> e = reduced_exp<T>(at_least(at_most(x, C::kMax), C::kMin));
  const IntVec<T> half = e.n >> 1;  // two factors reach infinity and the subnormals
  return (e.expm1_r + T{1}) * power_of_two<T>(half) * power_of_two<T>(e.n - half);
}

// Functions that run over tiles take several vectors in lockstep, step by step: each is a chain of
// 25 and more dependent instructions, and the processor's scheduler does not reach far enough to
// find the next chain by itself.

/// exp(x) for x whose results are normal numbers, in place: n goes straight into the exponent. The
/// integer in the low bits of x log2(e) + kRound is all that the shift leaves of it.
template <class T, int N>
inline void exp_normal(Vec<T> (&x)[N]) {
  using C = ExpConstants<T>;
  constexpr int kTerms = static_cast<int>(sizeof(C::kExp) / sizeof(T));
  Vec<T> rounded[N], q[N];
  AECORE_LOCKSTEP(N) rounded[i] = madd(x[i], splat(C::kLog2e), splat(Simd<T>::kRound));
  AECORE_LOCKSTEP(N) q[i] = rounded[i] - splat(Simd<T>::kRound);
  AECORE_LOCKSTEP(N) x[i] = madd(q[i], splat(-C::kLn2High), x[i]);
  AECORE_LOCKSTEP(N) x[i] = madd(q[i], splat(-C::kLn2Low), x[i]);
  AECORE_LOCKSTEP(N) q[i] = splat(C::kExp[kTerms - 1]);
  AECORE_UNROLL
  for (int term = kTerms - 2; term >= 0; --term) {
    AECORE_LOCKSTEP(N) q[i] = madd(q[i], x[i], splat(C::kExp[term]));
  }
  AECORE_LOCKSTEP(N) q[i] = madd(q[i], x[i], splat(T{1}));
  AECORE_LOCKSTEP(N) q[i] = madd(q[i], x[i], splat(T{1}));
  AECORE_LOCKSTEP(N) {
    x[i] = from_bits<T>(bits<T>(q[i]) + (bits<T>(rounded[i]) << Simd<T>::kMantissa));
  }
}

/// 1 / (1 + exp(-x)) in place; relative accuracy holds on both sides, as 1 + exp(-x) has no
/// cancellation.
template <class T, int N>
inline void sigmoid_v(Vec<T> (&x)[N]) {
  using C = ExpConstants<T>;
  AECORE_LOCKSTEP(N) x[i] = at_least(at_most(T{0} - x[i], C::kNormal), -C::kNormal);
  exp_normal<T>(x);
  AECORE_LOCKSTEP(N) x[i] = reciprocal(x[i] + T{1});
}

/// 2 atanh(s) = 2 s + 2 s^3/3 + ... for |s| <= 1/3.
template <class T>
inline Vec<T> twice_atanh(Vec<T> s) {
  const Vec<T> s2 = s * s;
  const Vec<T> twice = s + s;
  return madd(twice * s2, polynomial(ExpConstants<T>::kAtanh, s2), twice);
}

/// out = log(1 + u) for u in [0, 1]. A polynomial long enough for double would be longer than a
/// division.
template <class T, int N>
inline void log1p_v(const Vec<T> (&u)[N], Vec<T> (&out)[N]) {
  using C = ExpConstants<T>;
  if constexpr (sizeof(T) == sizeof(float)) {
    constexpr int kTerms = static_cast<int>(sizeof(C::kLog1p) / sizeof(T));
    AECORE_LOCKSTEP(N) out[i] = splat(C::kLog1p[kTerms - 1]);
    AECORE_UNROLL
    for (int term = kTerms - 2; term >= 0; --term) {
      AECORE_LOCKSTEP(N) out[i] = madd(out[i], u[i], splat(C::kLog1p[term]));
    }
    AECORE_LOCKSTEP(N) out[i] = madd(u[i] * u[i], out[i], u[i]);
  } else {
    AECORE_LOCKSTEP(N) out[i] = twice_atanh<T>(u[i] / (u[i] + T{2}));
  }
}

/// sigmoid(x) and factor = 1 + exp(-|x|), whose log is softplus(x) - max(x, 0).
template <class T, int N>
inline void sigmoid_and_factor(const Vec<T> (&x)[N], Vec<T> (&sigmoid)[N], Vec<T> (&factor)[N]) {
  using C = ExpConstants<T>;
  Vec<T> e[N];
  AECORE_LOCKSTEP(N) e[i] = at_least(T{0} - absolute<T>(x[i]), -C::kNormal);
  exp_normal<T>(e);
  AECORE_LOCKSTEP(N) factor[i] = e[i] + T{1};
  AECORE_LOCKSTEP(N) sigmoid[i] = reciprocal(factor[i]);
  AECORE_LOCKSTEP(N) sigmoid[i] = select<T>(x[i] >= T{0}, sigmoid[i], e[i] * sigmoid[i]);
}

/// log(x) for positive normal x: x = 2^e m with m in [sqrt(1/2), sqrt(2)).
template <class T>
inline Vec<T> log_v(Vec<T> x) {
  using C = ExpConstants<T>;
  const IntVec<T> offset = bits<T>(splat(C::kSqrtHalf));
  const IntVec<T> e = (bits<T>(x) - offset) >> Simd<T>::kMantissa;
  const Vec<T> m = from_bits<T>(bits<T>(x) - (e << Simd<T>::kMantissa));
  const Vec<T> n = __builtin_convertvector(e, Vec<T>);
  const Vec<T> log_m = twice_atanh<T>((m - T{1}) / (m + T{1}));
  return madd(n, splat(C::kLn2High), madd(n, splat(C::kLn2Low), log_m));
}

/// tanh |x| = m / (m + 2) with m = exp(2 |x|) - 1, accurate near zero because m is.
template <class T>
inline Vec<T> tanh_v(Vec<T> x) {
  using C = ExpConstants<T>;
  const Vec<T> magnitude = absolute<T>(x);
  const ReducedExp<T> e = reduced_exp<T>(at_most(magnitude + magnitude, C::kTanhMax));
  const Vec<T> scale = power_of_two<T>(e.n);
  const Vec<T> m = madd(scale, e.expm1_r, scale - T{1});
  const Vec<T> t = m * reciprocal(m + T{2});
  return from_bits<T>(bits<T>(t) | (bits<T>(x) ^ bits<T>(magnitude)));  // the sign of x
}

template <class T, class Function>
inline void map(const T* x, T* y, index_t n, Function function) {
  constexpr int kLanes = Simd<T>::kLanes;
  index_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, function(load(x + i)));
  if (i < n) store_partial(y + i, function(load_partial(x + i, n - i)), n - i);
}

template <class T>
void exp_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) { return exp_v<T>(v); });
}
template <class T>
void log_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) { return log_v<T>(v); });
}
template <class T>
void log1p_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) {
    const Vec<T> u[1] = {v};
    Vec<T> out[1];
    log1p_v<T>(u, out);
    return out[0];
  });
}
template <class T>
void sigmoid_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) {
    Vec<T> z[1] = {v};
    sigmoid_v<T>(z);
    return z[0];
  });
}
template <class T>
void tanh_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) { return tanh_v<T>(v); });
}
