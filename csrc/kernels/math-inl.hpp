// exp, expm1, log, log1p, sigmoid, tanh, Phi as polynomials, the same source for float and double.
// Error bounds in units in the last place are stated in tests/core/test_math.py and checked there
// over the whole range.

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
  // (1 + x) Q(x) exp(x^2/2), Q = 1 - Phi, for x >= 0 in t = (x - kTail)/(x + kTail): to 9e-10
  static constexpr float kTail = 3.25f;
  static constexpr float kTailMax = 13.0f;  // Q(13) is 6e-39: less than the smallest normal
  static constexpr float kUpperTail[] = {
      0x1.edbe4e0000000p-2f,  -0x1.8f410c0000000p-4f,  -0x1.de14f60000000p-8f,
      0x1.58cd680000000p-5f,  -0x1.bf2ba00000000p-6f,  0x1.7d3dc60000000p-8f,
      0x1.14711a0000000p-9f,  -0x1.2417c40000000p-10f, -0x1.1e4e500000000p-12f,
      0x1.4c7ca80000000p-13f, 0x1.e94f680000000p-15f};
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
  // As for float, to 1e-15
  static constexpr double kTail = 4.5;
  static constexpr double kTailMax = 37.5;  // Q(37.5) is 5e-308
  static constexpr double kUpperTail[] = {
      0x1.dd9cda313e3a3p-2,   -0x1.82e51724f9891p-4,  0x1.86a4a47b13496p-6,  0x1.36075fe14665ep-6,
      -0x1.f1b1ea5029cadp-6,  0x1.728bae6e3be13p-6,   -0x1.5b0c769262903p-7, 0x1.635e52d0e524fp-9,
      0x1.f431ced106256p-14,  -0x1.72263c43b3fd0p-12, 0x1.2998521c250d2p-14, 0x1.1bd5f6e7775bdp-15,
      -0x1.f3d4687cb70ebp-17, -0x1.e1a4aff196908p-19, 0x1.56412c76fa430p-19, 0x1.1d4a357a836e2p-21,
      -0x1.c80918fc50265p-22, -0x1.e9640bab7a093p-24, 0x1.11ece3ffb7576p-24, 0x1.da6a6b7763837p-26,
      -0x1.54d263f6ae86ep-28, -0x1.3e426936d95cfp-28, -0x1.9c20aba0a1ff8p-31};
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

/// exp(x) - 1 for x <= 0, accurate near zero: 2^n (exp(r) - 1) + (2^n - 1).
template <class T>
inline Vec<T> expm1_v(Vec<T> x) {
  const ReducedExp<T> e = reduced_exp<T>(at_least(x, -ExpConstants<T>::kNormal));
  const Vec<T> scale = power_of_two<T>(e.n);
  return madd(scale, e.expm1_r, scale - T{1});
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
template <class T, int N>
inline void softplus_v(Vec<T> (&x)[N]) {
  Vec<T> e[N], tail[N];
  AECORE_LOCKSTEP(N) e[i] = at_least(T{0} - absolute<T>(x[i]), -ExpConstants<T>::kNormal);
  exp_normal<T>(e);
  log1p_v<T>(e, tail);
  AECORE_LOCKSTEP(N) x[i] = at_least(x[i], T{0}) + tail[i];
}

/// Phi(x), the distribution of N(0, 1), and exp(-x^2/2), of which its density is a multiple. The
/// tail Q(|x|) is exp(-x^2/2) times a polynomial, after M. Shepherd, J. Laframboise, "Chebyshev
/// approximation of (1 + 2x) exp(x^2) erfc x", Math. Comp. 36, 1981: relative accuracy holds far
/// out, but for the rounding of x^2/2.
template <class T, int N>
inline void normal_cdf_v(const Vec<T> (&x)[N], Vec<T> (&cdf)[N], Vec<T> (&bell)[N]) {
  using C = ExpConstants<T>;
  constexpr int kTerms = static_cast<int>(sizeof(C::kUpperTail) / sizeof(T));
  Vec<T> size[N], t[N], q[N];
  AECORE_LOCKSTEP(N) size[i] = at_most(absolute<T>(x[i]), C::kTailMax);
  AECORE_LOCKSTEP(N) bell[i] = T(-0.5) * size[i] * size[i];
  exp_normal<T>(bell);
  AECORE_LOCKSTEP(N) t[i] = (size[i] - C::kTail) * reciprocal(size[i] + C::kTail);
  AECORE_LOCKSTEP(N) q[i] = splat(C::kUpperTail[kTerms - 1]);
  AECORE_UNROLL
  for (int term = kTerms - 2; term >= 0; --term) {
    AECORE_LOCKSTEP(N) q[i] = madd(q[i], t[i], splat(C::kUpperTail[term]));
  }
  AECORE_LOCKSTEP(N) q[i] *= bell[i] * reciprocal(size[i] + T{1});
  AECORE_LOCKSTEP(N) cdf[i] = select<T>(x[i] < T{0}, q[i], T{1} - q[i]);
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
template <class T>
void expm1_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) { return expm1_v<T>(v); });
}
template <class T>
void softplus_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) {
    Vec<T> z[1] = {v};
    softplus_v<T>(z);
    return z[0];
  });
}
template <class T>
void normal_cdf_array(const T* x, T* y, index_t n) {
  map(x, y, n, [](Vec<T> v) {
    const Vec<T> z[1] = {v};
    Vec<T> cdf[1], bell[1];
    normal_cdf_v<T>(z, cdf, bell);
    return cdf[0];
  });
}
