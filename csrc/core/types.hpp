// The scalar words of the whole core. Signed 64-bit sizes everywhere: they index, subtract and
// compare without surprises, and a product that could overflow goes through checked_mul.
#pragma once

#include <cstdint>

namespace aecore {

using index_t = std::int64_t;

constexpr index_t ceil_div(index_t a, index_t b) { return (a + b - 1) / b; }
constexpr index_t round_up(index_t a, index_t b) { return ceil_div(a, b) * b; }

}  // namespace aecore
