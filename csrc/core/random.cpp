#include "core/random.hpp"

namespace aecore {

PhiloxCounter philox4x32(PhiloxCounter c, PhiloxKey key) {
  constexpr std::uint64_t kMul0 = 0xD2511F53u;
  constexpr std::uint64_t kMul1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u;  // golden ratio
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85u;  // sqrt(3) - 1
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = kMul0 * c[0];
    const std::uint64_t p1 = kMul1 * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return c;
}

RandomStream::RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t stream)
    : counter_{0, 0, stream, static_cast<std::uint32_t>(purpose)},
      key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {}

std::uint32_t RandomStream::next32() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t RandomStream::next64() {
  const std::uint64_t low = next32();
  return low | (std::uint64_t{next32()} << 32);
}

double RandomStream::uniform() { return static_cast<double>(next64() >> 11) * 0x1p-53; }

std::uint64_t RandomStream::below(std::uint64_t bound) {
  if (bound <= 0xFFFFFFFFu) {
    const auto small = static_cast<std::uint32_t>(bound);
    std::uint64_t product = std::uint64_t{next32()} * small;
    if (static_cast<std::uint32_t>(product) < small) {
      const std::uint32_t threshold = (0u - small) % small;
      while (static_cast<std::uint32_t>(product) < threshold) {
        product = std::uint64_t{next32()} * small;
      }
    }
    return product >> 32;
  }
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % bound);
  std::uint64_t value = next64();
  while (value >= limit) value = next64();
  return value % bound;
}

void shuffled_order(index_t* order, index_t n, std::uint64_t seed, std::uint32_t epoch) {
  for (index_t i = 0; i < n; ++i) order[i] = i;
  RandomStream random(seed, Purpose::shuffle, epoch);
  for (index_t i = n - 1; i > 0; --i) {
    const auto j = static_cast<index_t>(random.below(static_cast<std::uint64_t>(i) + 1));
    const index_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

}  // namespace aecore
