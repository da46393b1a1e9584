// Counter-based random numbers: a number depends on (seed, purpose, epoch, index), never on the
// thread that asks or on what was asked before. Philox4x32-10: Salmon, Moraes, Dror & Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

#include "core/types.hpp"

namespace aecore {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key);

/// What the numbers are for; two purposes never share a counter.
enum class Purpose : std::uint32_t { initialization = 1, shuffle = 2, dropout = 4 };

/// An endless row of numbers for one (seed, purpose, stream), read from its beginning.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t stream);
  std::uint32_t next32();
  std::uint64_t next64();
  /// Uniform in [0, 1) with 53 random bits.
  double uniform();
  /// Uniform in [0, bound), bound > 0, without bias (Lemire 2019, "Fast random integer generation
  /// in an interval").
  std::uint64_t below(std::uint64_t bound);

 private:
  PhiloxCounter counter_;
  PhiloxKey key_;
  PhiloxCounter block_{};
  int used_ = 4;
};

/// order[0..n) becomes a uniformly random permutation of 0..n-1 (Fisher-Yates).
void shuffled_order(index_t* order, index_t n, std::uint64_t seed, std::uint32_t epoch);

}  // namespace aecore
