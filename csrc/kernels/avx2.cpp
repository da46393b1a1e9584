// AVX2 and FMA (x86-64-v3): 16 registers of 8 floats.
#include <immintrin.h>

#include "kernels/compiler.hpp"
#include "kernels/table.hpp"

#define AECORE_VECTOR_BYTES 32

namespace aecore {
namespace {

#include "kernels/vec-inl.hpp"

constexpr int kTileRows = 6;  // 12 accumulators, 2 of b, 1 broadcast: 15 of 16 registers

inline Vec<float> madd(Vec<float> a, Vec<float> b, Vec<float> c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Vec<double> madd(Vec<double> a, Vec<double> b, Vec<double> c) {
  return _mm256_fmadd_pd(a, b, c);
}
inline Vec<float> square_root(Vec<float> v) { return _mm256_sqrt_ps(v); }
inline Vec<double> square_root(Vec<double> v) { return _mm256_sqrt_pd(v); }

inline Vec<float> load_partial(const float* p, index_t count) {
  return _mm256_maskload_ps(p, reinterpret_cast<__m256i>(lanes_below<float>(count)));
}
inline Vec<double> load_partial(const double* p, index_t count) {
  return _mm256_maskload_pd(p, reinterpret_cast<__m256i>(lanes_below<double>(count)));
}
inline void store_partial(float* p, Vec<float> v, index_t count) {
  _mm256_maskstore_ps(p, reinterpret_cast<__m256i>(lanes_below<float>(count)), v);
}
inline void store_partial(double* p, Vec<double> v, index_t count) {
  _mm256_maskstore_pd(p, reinterpret_cast<__m256i>(lanes_below<double>(count)), v);
}

/// The 64-bit products of the lower halves of each lane with `b`.
inline Words64 multiply_low(Words64 a, std::uint32_t b) {
  return reinterpret_cast<Words64>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), _mm256_set1_epi64x(b)));
}

// A vector of numbers from bytes.
inline void from_bytes(const char* p, Vec<float>& out) {
  out = _mm256_cvtepi32_ps(
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
inline void from_bytes(const char* p, Vec<double>& out) {
  std::int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  out = _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)));
}

// Bit i: whether lane i of a comparison is set.
inline std::uint32_t lane_bits(IntVec<float> mask) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(mask)));
}
inline std::uint32_t lane_bits(IntVec<double> mask) {
  return static_cast<std::uint32_t>(_mm256_movemask_pd(reinterpret_cast<__m256d>(mask)));
}

// Limits that let NaN through: min and max return their second operand when one is NaN.
inline Vec<float> at_most(Vec<float> x, float limit) { return _mm256_min_ps(splat(limit), x); }
inline Vec<double> at_most(Vec<double> x, double limit) { return _mm256_min_pd(splat(limit), x); }
inline Vec<float> at_least(Vec<float> x, float limit) { return _mm256_max_ps(splat(limit), x); }
inline Vec<double> at_least(Vec<double> x, double limit) { return _mm256_max_pd(splat(limit), x); }
template <class V>
inline V reciprocal(V v) {
  return 1 / v;  // eight lanes in five cycles: no estimate with refinement is faster
}

// Halves, quarters, ...: a fixed order.
inline float lane_sum(Vec<float> v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
inline double lane_sum(Vec<double> v) {
  const __m128d x = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)));
}

#include "kernels/bodies-inl.hpp"

}  // namespace

extern const KernelTable kAvx2Table = {"avx2", make_kernels<float>(), make_kernels<double>()};

}  // namespace aecore
