// AVX-512 (x86-64-v4): 32 registers of 16 floats.
#include <immintrin.h>

#include "kernels/compiler.hpp"
#include "kernels/table.hpp"

#define AECORE_VECTOR_BYTES 64

namespace aecore {
namespace {

#include "kernels/vec-inl.hpp"

constexpr int kTileRows = 14;  // 28 accumulators, 2 of b, 1 broadcast: 31 of 32 registers

inline Vec<float> madd(Vec<float> a, Vec<float> b, Vec<float> c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline Vec<double> madd(Vec<double> a, Vec<double> b, Vec<double> c) {
  return _mm512_fmadd_pd(a, b, c);
}
inline Vec<float> load_partial(const float* p, index_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), p);
}
inline Vec<double> load_partial(const double* p, index_t count) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1u), p);
}
inline void store_partial(float* p, Vec<float> v, index_t count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1u), v);
}
inline void store_partial(double* p, Vec<double> v, index_t count) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1u), v);
}

/// The 64-bit products of the lower halves of each lane with `b`.
inline Words64 multiply_low(Words64 a, std::uint32_t b) {
  return reinterpret_cast<Words64>(
      _mm512_maskz_mul_epu32(0xFF, reinterpret_cast<__m512i>(a), _mm512_set1_epi64(b)));
}

// A vector of numbers from bytes.
inline void from_bytes(const char* p, Vec<float>& out) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  out = _mm512_maskz_cvtepi32_ps(0xFFFF, _mm512_maskz_cvtepu8_epi32(0xFFFF, bytes));
}
inline void from_bytes(const char* p, Vec<double>& out) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  out = _mm512_maskz_cvtepi32_pd(0xFF, _mm256_cvtepu8_epi32(bytes));
}

// Bit i: whether lane i of a comparison is set.
inline std::uint32_t lane_bits(IntVec<float> mask) {
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
}
inline std::uint32_t lane_bits(IntVec<double> mask) {
  return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask));
}

// Indices first, first + 1, ... of the lanes that are not zero, with junk after them; returns their
// number. Storing from a compressed register takes a fifth of the time of a compressing store.
inline index_t store_lanes(unsigned lanes, std::int32_t first, std::int32_t* out) {
  const __m512i index =
      _mm512_add_epi32(_mm512_set1_epi32(first),
                       _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(lanes), index));
  return __builtin_popcount(lanes);
}
inline index_t store_nonzero(Vec<float> v, std::int32_t first, std::int32_t* out) {
  return store_lanes(_mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ), first, out);
}
inline index_t store_nonzero(Vec<double> v, std::int32_t first, std::int32_t* out) {
  return store_lanes(_mm512_cmp_pd_mask(v, _mm512_setzero_pd(), _CMP_NEQ_UQ), first, out);
}

// Limits that let NaN through: min and max return their second operand when one is NaN.
inline Vec<float> at_most(Vec<float> x, float limit) {
  return _mm512_maskz_min_ps(0xFFFF, splat(limit), x);
}
inline Vec<double> at_most(Vec<double> x, double limit) {
  return _mm512_maskz_min_pd(0xFF, splat(limit), x);
}
inline Vec<float> at_least(Vec<float> x, float limit) {
  return _mm512_maskz_max_ps(0xFFFF, splat(limit), x);
}
inline Vec<double> at_least(Vec<double> x, double limit) {
  return _mm512_maskz_max_pd(0xFF, splat(limit), x);
}

// An estimate of 14 bits, refined by Newton's y (2 - x y): 5 cycles of multiply-adds where a
// division blocks its unit for 16. x must be normal and so must 1 / x.
inline Vec<float> reciprocal(Vec<float> x) {
  const Vec<float> y = _mm512_maskz_rcp14_ps(0xFFFF, x);
  return madd(y, _mm512_fnmadd_ps(x, y, splat(1.0f)), y);
}
inline Vec<double> reciprocal(Vec<double> x) {
  const Vec<double> y = _mm512_maskz_rcp14_pd(0xFF, x);
  const Vec<double> z = madd(y, _mm512_fnmadd_pd(x, y, splat(1.0)), y);
  return madd(z, _mm512_fnmadd_pd(x, z, splat(1.0)), z);
}

// v times the estimate of 1 / sqrt(v), refined once (float) or twice (double) by Goldschmidt's
// iteration: 4 cycles of multiply-adds where the square root blocks its unit for 20. Numbers below
// the normal ones read as the smallest of them; zero's root is 1e-19 (1e-154).
inline Vec<float> square_root(Vec<float> v) {
  v = at_least(v, 0x1p-126f);
  const Vec<float> y = _mm512_maskz_rsqrt14_ps(0xFFFF, v);
  const Vec<float> root = v * y;
  const Vec<float> half = 0.5f * y;
  return madd(root, _mm512_fnmadd_ps(root, half, splat(0.5f)), root);
}
inline Vec<double> square_root(Vec<double> v) {
  v = at_least(v, 0x1p-1022);
  const Vec<double> y = _mm512_maskz_rsqrt14_pd(0xFF, v);
  Vec<double> root = v * y;
  Vec<double> half = 0.5 * y;
  const Vec<double> error = _mm512_fnmadd_pd(root, half, splat(0.5));
  root = madd(root, error, root);
  half = madd(half, error, half);
  return madd(root, _mm512_fnmadd_pd(root, half, splat(0.5)), root);
}

// Halves, quarters, ...: a fixed order.
inline float lane_sum(Vec<float> v) {
  v += Vec<float>(_mm512_maskz_shuffle_f32x4(0xFFFF, v, v, 0x4E));
  v += Vec<float>(_mm512_maskz_shuffle_f32x4(0xFFFF, v, v, 0xB1));
  v += Vec<float>(_mm512_maskz_shuffle_ps(0xFFFF, v, v, 0x4E));
  v += Vec<float>(_mm512_maskz_shuffle_ps(0xFFFF, v, v, 0xB1));
  return v[0];
}
inline double lane_sum(Vec<double> v) {
  v += Vec<double>(_mm512_maskz_shuffle_f64x2(0xFF, v, v, 0x4E));
  v += Vec<double>(_mm512_maskz_shuffle_f64x2(0xFF, v, v, 0xB1));
  v += Vec<double>(_mm512_maskz_shuffle_pd(0xFF, v, v, 0x55));
  return v[0];
}

#include "kernels/bodies-inl.hpp"

}  // namespace

extern const KernelTable kAvx512Table = {"avx512", make_kernels<float>(), make_kernels<double>()};

}  // namespace aecore
