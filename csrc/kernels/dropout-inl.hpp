// Dropout: units of a hidden layer are set to zero at random, the others scaled up.

// Words of Philox4x32-10 (core/random.hpp) in 64-bit lanes, one counter to a lane. The products are
// those of the lower halves; the upper halves of words 1 and 3 hold junk until the end.
typedef std::uint64_t DropoutWords __attribute__((vector_size(AECORE_VECTOR_BYTES)));
constexpr index_t kDropoutColumns = AECORE_VECTOR_BYTES / 2;  // four columns to a counter

/// The words of kDropoutColumns columns of one row, from `column` on.
template <class T>
inline void dropout_words(const DropoutCall<T>& c, std::uint64_t row, index_t column,
                          std::uint32_t* out) {
  DropoutWords w0, w1 = {}, w2 = {}, w3 = {};
  for (index_t lane = 0; lane < kDropoutColumns / 4; ++lane) {
    w0[lane] = static_cast<std::uint64_t>(column / 4 + lane);
  }
  w1 += row & 0xFFFFFFFFu;
  w2 += c.epoch;
  w3 += c.purpose | (row >> 32) << 20;
  std::uint32_t key0 = static_cast<std::uint32_t>(c.seed);
  std::uint32_t key1 = static_cast<std::uint32_t>(c.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const DropoutWords product0 = (w0 & 0xFFFFFFFFu) * 0xD2511F53u;
    const DropoutWords product1 = (w2 & 0xFFFFFFFFu) * 0xCD9E8D57u;
    w0 = (product1 >> 32) ^ w1 ^ key0;
    w1 = product1;
    w2 = (product0 >> 32) ^ w3 ^ key1;
    w3 = product0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (index_t lane = 0; lane < kDropoutColumns / 4; ++lane) {
    out[4 * lane] = static_cast<std::uint32_t>(w0[lane]);
    out[4 * lane + 1] = static_cast<std::uint32_t>(w1[lane]);
    out[4 * lane + 2] = static_cast<std::uint32_t>(w2[lane]);
    out[4 * lane + 3] = static_cast<std::uint32_t>(w3[lane]);
  }
}

template <class T>
void dropout(const DropoutCall<T>& c) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kStep = kW < kDropoutColumns ? kW : kDropoutColumns;  // divides both
  std::uint32_t words[kDropoutColumns];
  for (index_t r = 0; r < c.n_rows; ++r) {
    const auto row =
        static_cast<std::uint64_t>(c.rows != nullptr ? c.rows[c.first_row + r] : c.first_row + r);
    for (index_t column = 0; column < c.n_columns; column += kStep) {
      if (column % kDropoutColumns == 0) dropout_words(c, row, column, words);
      const std::uint32_t* const word = words + column % kDropoutColumns;
      T* const h = c.h + (column / kW) * c.stride + r * kW + column % kW;
      T* const slope = c.slope + (column / kW) * c.slope_stride + r * kW + column % kW;
      for (index_t i = 0; i < kStep; ++i) {
        const T multiplier = word[i] < c.dropped_below ? T{0} : c.scale;
        h[i] *= multiplier;
        slope[i] *= multiplier;
      }
    }
  }
}
