// Words that GCC and Clang spell differently, for the kernel bodies.
#pragma once

#if defined(__clang__)
#define AECORE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define AECORE_UNROLL _Pragma("GCC unroll 16")
#endif
#define AECORE_INLINE_LAMBDA __attribute__((always_inline))

/// One step of N independent computations, i = 0..N-1.
#define AECORE_LOCKSTEP(N) AECORE_UNROLL for (int i = 0; i < N; ++i)
