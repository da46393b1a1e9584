// Products that leave zeros out. Rows of images, counts and indicators are mostly zeros, and those
// of a tile are often zeros in the same columns: in a batch of MNIST 49 % of the terms of a tile's
// sum on the way forward, and 54 % of those of a weight gradient, multiply nothing but zeros. What
// they would add is +0 or -0 to a sum that is never -0, so the bits are the same.

/// Bit i: whether lane i of a comparison is set. An instruction set may overload it.
template <class I>
inline std::uint32_t lane_bits(I mask) {
  std::uint32_t set = 0;
  for (unsigned i = 0; i < sizeof mask / sizeof mask[0]; ++i) {
    set |= static_cast<std::uint32_t>(mask[i] & 1) << i;
  }
  return set;
}

/// Bit c: whether the c-th of the first `columns` numbers is not 0. Nothing behind them is read:
/// the memory of rows in place may end there.
template <class T>
inline std::uint32_t nonzero_word(const T* x, index_t columns) {
  constexpr int kLanes = Simd<T>::kLanes;
  static_assert(kWidth<T> <= 32, "a word has a bit for each column of a panel");
  if (columns < kLanes) return lane_bits(load_partial(x, columns) != Vec<T>{});
  const std::uint32_t low = lane_bits(load(x) != Vec<T>{});
  if (columns >= kWidth<T>) return low | lane_bits(load(x + kLanes) != Vec<T>{}) << kLanes;
  return low | lane_bits(load_partial(x + kLanes, columns - kLanes) != Vec<T>{}) << kLanes;
}

/// The lowest n bits, n <= 32.
inline std::uint32_t low_bits(index_t n) { return n < 32 ? (1u << n) - 1u : ~0u; }

inline index_t count_bits(const std::uint32_t* words, index_t n_words) {
  index_t n = 0;
  for (index_t i = 0; i < n_words; ++i) n += __builtin_popcount(words[i]);
  return n;
}

/// Where few of the first rows' numbers are 0 the others are not looked at: none of them counts as
/// 0. On dense data looking would be 4 % of the workload patches.
template <class T>
void find_nonzero_columns(const NonzeroCall<T>& call) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kFirstRows = 8;
  const index_t n_first = smaller(kFirstRows, call.n_rows);
  index_t found = 0;
  const auto look = [&](index_t from, index_t to, bool dense) {
    for (index_t column = 0; column < call.n_columns; column += kW) {
      const index_t columns = smaller(kW, call.n_columns - column);
      const T* x = call.x + column / kW * call.x_stride + from * call.x_row;
      std::uint32_t* const word = call.words + column / kW * call.words_stride;
      for (index_t row = from; row < to; ++row, x += call.x_row) {
        word[row] = dense ? low_bits(columns) : nonzero_word(x, columns);
      }
      found += count_bits(word + from, dense ? 0 : to - from);
    }
  };
  look(0, n_first, false);
  look(n_first, call.n_rows, 4 * found > 3 * n_first * call.n_columns);
}

/// How many rows of A (columns of a transposed one) the tile takes that begins with `row`. It stays
/// within one panel of a transposed A: panels and their words of nonzero numbers lie apart, and an
/// update, which follows such products, writes W^T once a panel's width of rows is complete. (A
/// single row in panels has the stride of rows in place.)
template <class T>
inline index_t rows_of_tile(const GemmCall<T>& call, index_t row) {
  constexpr index_t kW = kWidth<T>;
  const bool by_panel = call.a_transposed && (call.a_stride != kW || call.nonzero != nullptr ||
                                              call.epilogue != nullptr);
  const index_t limit = by_panel ? smaller(call.row_end, (row / kW + 1) * kW) : call.row_end;
  return tile_height(limit - row);
}

/// The terms that count in one tile's sum, a word for each panel's width of them: the columns in
/// which one of its rows is not 0.
template <class T>
inline void terms_of_rows(const GemmCall<T>& call, index_t row, index_t rows, index_t word,
                          index_t n_words, std::uint32_t* terms) {
  for (index_t i = 0; i < n_words; ++i) {
    const std::uint32_t* const of_rows = call.nonzero + (word + i) * call.nonzero_stride + row;
    std::uint32_t set = 0;
    for (index_t r = 0; r < rows; ++r) set |= of_rows[r];
    terms[i] = set;
  }
}

/// Those of one tile of A^T B: the rows of A that are not 0 in one of its columns.
template <class T>
inline void terms_of_columns(const GemmCall<T>& call, index_t column, index_t columns, index_t word,
                             index_t n_words, std::uint32_t* terms) {
  constexpr index_t kW = kWidth<T>;
  constexpr int kLanes = Simd<float>::kLanes;  // of words
  const std::uint32_t asked = low_bits(columns) << (column % kW);
  const std::uint32_t* const words = call.nonzero + column / kW * call.nonzero_stride;
  for (index_t i = 0; i < n_words; ++i) {
    const index_t first = (word + i) * kW;
    const index_t n = smaller(kW, call.k - first);
    std::uint32_t set = 0;
    index_t row = 0;
    for (; row + kLanes <= n; row += kLanes) {
      Words32 of_rows;
      __builtin_memcpy(&of_rows, words + first + row, sizeof of_rows);
      set |= lane_bits(reinterpret_cast<IntVec<float>>((of_rows & asked) != 0)) << row;
    }
    for (; row < n; ++row)
      set |= static_cast<std::uint32_t>((words[first + row] & asked) != 0) << row;
    terms[i] = set;
  }
}

/// One tile, one block of the sum, over the terms whose bits are set; see micro_kernel.
template <class T, int MR, bool Transposed>
void skipping_kernel(const T* a, index_t a_row, index_t a_stride, const T* b, T* c, index_t c_row,
                     const std::uint32_t* terms, index_t n_words, bool add, LinePairs ahead) {
  constexpr index_t kW = kWidth<T>;
  tile<T, MR, kVectors>(c, c_row, add, ahead, [=](auto step) AECORE_INLINE_LAMBDA {
    const T* a_word = a;
    const T* b_word = b;
    for (index_t i = 0; i < n_words; ++i, b_word += kW * kW) {
      for (std::uint32_t set = terms[i]; set != 0; set &= set - 1) {
        const index_t term = __builtin_ctz(set);
        if constexpr (Transposed) {
          step(a_word + term * a_row, 1, b_word + term * kW);
        } else {
          step(a_word + term, a_row, b_word + term * kW);
        }
      }
      a_word += Transposed ? kW * a_row : a_stride;
    }
  });
}

template <class T>
using SkippingKernel = void (*)(const T*, index_t, index_t, const T*, T*, index_t,
                                const std::uint32_t*, index_t, bool, LinePairs);

/// The kernels for tiles of more than kFewRows: thinner ones are left to the others, for the sake
/// of the library's size.
constexpr index_t kFewRows = kTileRows / 2;
template <class T, bool Transposed>
struct SkippingKernels {
  SkippingKernel<T> at[kTileRows - kFewRows];
  template <int... R>
  static constexpr SkippingKernels make(Rows<R...>) {
    return {{&skipping_kernel<T, kFewRows + R + 1, Transposed>...}};
  }
};

/// The terms that count in the sums of each tile, in the order of the tiles.
struct Terms {
  static constexpr index_t kWords = 4096;
  std::uint32_t words[kWords];
  index_t n_words = 0;  // of each tile

  /// Terms [begin, end) of the sum, begin at a panel's edge. False: they are not known, or too many
  /// to keep, which takes a sum of more than 100,000 terms.
  template <class T>
  bool find(const GemmCall<T>& call, index_t begin, index_t end) {
    constexpr index_t kW = kWidth<T>;
    if (call.nonzero == nullptr) return false;
    n_words = (end - begin + kW - 1) / kW;
    std::uint32_t* to = words;
    for (index_t row = call.row_begin, rows = 0; row < call.row_end; row += rows, to += n_words) {
      if (to + n_words > words + kWords) return false;
      rows = rows_of_tile(call, row);
      const auto of_tile = call.a_transposed ? &terms_of_columns<T> : &terms_of_rows<T>;
      of_tile(call, row, rows, begin / kW, n_words, to);
    }
    return true;
  }
};
