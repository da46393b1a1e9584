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
// The masked form: the plain one makes GCC 12 warn of its own undefined source operand.
inline Vec<float> square_root(Vec<float> v) { return _mm512_maskz_sqrt_ps(0xFFFF, v); }
inline Vec<double> square_root(Vec<double> v) { return _mm512_maskz_sqrt_pd(0xFF, v); }

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

#include "kernels/bodies-inl.hpp"

}  // namespace

extern const KernelTable kAvx512Table = {"avx512", make_kernels<float>(), make_kernels<double>()};

}  // namespace aecore
