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
enum class Purpose : std::uint32_t {
  initialization = 1,
  shuffle = 2,
  noise = 3,
  dropout = 4,
  code = 5
};

/// An endless row of numbers for one (seed, purpose, stream), read from its beginning.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t stream);
  std::uint32_t next32() {
    if (used_ == words_.size()) refill();
    return words_[used_++];
  }
  std::uint64_t next64() {
    const std::uint64_t low = next32();
    return low | (std::uint64_t{next32()} << 32);
  }
  /// Uniform in [0, 1) with 53 random bits.
  double uniform() {
    return static_cast<double>(static_cast<std::int64_t>(next64() >> 11)) * 0x1p-53;
  }
  /// Uniform in [0, bound), bound > 0, without bias (Lemire 2019, "Fast random integer generation
  /// in an interval").
  std::uint64_t below(std::uint64_t bound);

 private:
  static constexpr std::size_t kBlocks = 8;  // made side by side, in vectors
  void refill();

  std::uint64_t next_block_ = 0;
  const std::uint32_t stream_, purpose_;
  const PhiloxKey key_;
  std::array<std::uint32_t, 4 * kBlocks> words_;
  std::size_t used_ = 4 * kBlocks;
};

/// order[0..n) becomes a uniformly random permutation of 0..n-1 (Fisher-Yates).
void shuffled_order(index_t* order, index_t n, std::uint64_t seed, std::uint32_t epoch);

}  // namespace aecore
