// Any processor: 128-bit vectors without fused multiply-add (SSE2 on x86, whatever the compiler
// makes of them elsewhere).
#include "kernels/compiler.hpp"
#include "kernels/table.hpp"

#define AECORE_VECTOR_BYTES 16

namespace aecore {
namespace {

#include "kernels/vec-inl.hpp"

constexpr int kTileRows = 6;  // 12 accumulators, 2 of b, 1 broadcast: 15 of 16 registers

template <class V>
inline V madd(V a, V b, V c) {
  return a * b + c;
}
inline Vec<float> square_root(Vec<float> v) {
  for (int i = 0; i < Simd<float>::kLanes; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
}
inline Vec<double> square_root(Vec<double> v) {
  for (int i = 0; i < Simd<double>::kLanes; ++i) v[i] = __builtin_sqrt(v[i]);
  return v;
}

template <class V>
inline V reciprocal(V v) {
  return 1 / v;
}

#include "kernels/fallback-inl.hpp"
//
#include "kernels/bodies-inl.hpp"

}  // namespace

extern const KernelTable kPortableTable = {"portable", make_kernels<float>(),
                                           make_kernels<double>()};

}  // namespace aecore
