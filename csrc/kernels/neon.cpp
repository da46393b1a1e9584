// NEON (aarch64): 32 registers of 4 floats.
#include <arm_neon.h>

#include "kernels/compiler.hpp"
#include "kernels/table.hpp"

#define AECORE_VECTOR_BYTES 16

namespace aecore {
namespace {

#include "kernels/vec-inl.hpp"

constexpr int kTileRows = 12;  // 24 accumulators, 2 of b, 1 broadcast: 27 of 32 registers

inline Vec<float> madd(Vec<float> a, Vec<float> b, Vec<float> c) { return vfmaq_f32(c, a, b); }
inline Vec<double> madd(Vec<double> a, Vec<double> b, Vec<double> c) { return vfmaq_f64(c, a, b); }
inline Vec<float> square_root(Vec<float> v) { return vsqrtq_f32(v); }
inline Vec<double> square_root(Vec<double> v) { return vsqrtq_f64(v); }

template <class V>
inline V reciprocal(V v) {
  return 1 / v;
}

#include "kernels/fallback-inl.hpp"
//
#include "kernels/bodies-inl.hpp"

}  // namespace

extern const KernelTable kNeonTable = {"neon", make_kernels<float>(), make_kernels<double>()};

}  // namespace aecore
