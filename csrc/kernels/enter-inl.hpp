// Gathered rows on their way into the first layer: noise drawn in vectors, and missing numbers.

/// One Philox4x32-10 block in each 64-bit lane, its words in the lower halves. The upper halves
/// hold junk, which neither the products nor the exclusive ors bring down.
struct PhiloxBlocks {
  Words64 word[4];
};

constexpr index_t kWordColumns = AECORE_VECTOR_BYTES / 2;  // columns that a PhiloxBlocks serves

/// Two words of each block next to each other.
inline Words64 neighbours(Words64 first, Words64 second) {
  return (first & 0xFFFFFFFFu) | (second << 32);
}

/// out[i] = the word of column i.
inline void words_of_columns(const PhiloxBlocks& block, std::uint32_t* out) {
  const auto first = reinterpret_cast<Vec<double>>(neighbours(block.word[0], block.word[1]));
  const auto second = reinterpret_cast<Vec<double>>(neighbours(block.word[2], block.word[3]));
  const Vec<double> low = interleave<double, false>(first, second);
  const Vec<double> high = interleave<double, true>(first, second);
  __builtin_memcpy(out, &low, sizeof low);
  __builtin_memcpy(out + kWordColumns / 2, &high, sizeof high);
}

/// out[i] = the word of column 2i; the words of columns 2i + 1 behind them.
inline void words_of_pairs(const PhiloxBlocks& block, std::uint32_t* out) {
  const Words64 even = neighbours(block.word[0], block.word[2]);
  const Words64 odd = neighbours(block.word[1], block.word[3]);
  __builtin_memcpy(out, &even, sizeof even);
  __builtin_memcpy(out + kWordColumns / 2, &odd, sizeof odd);
}

/// The random words of an EnterCall or a DropoutCall.
class RandomWords {
 public:
  template <class Call>
  explicit RandomWords(const Call& call)
      : rows_(call.rows), first_row_(call.first_row), epoch_(call.epoch), purpose_(call.purpose) {
    for (std::uint32_t round = 0; round < 10; ++round) {
      low_[round] = static_cast<std::uint32_t>(call.seed) + round * 0x9E3779B9u;
      high_[round] = static_cast<std::uint32_t>(call.seed >> 32) + round * 0xBB67AE85u;
    }
  }

  /// Those of kWordColumns columns, from `column` on, of N destination rows in lockstep: a round
  /// waits six cycles for its product. Not inlined: it is long, and its callers are many.
  template <int N, bool kPairs>
  __attribute__((noinline)) void draw(index_t row, index_t column,
                                      std::uint32_t (&words)[N][kWordColumns]) const {
    PhiloxBlocks block[N];
    AECORE_LOCKSTEP(N) block[i] = blocks_of(row + i, column);
    AECORE_UNROLL
    for (int round = 0; round < 10; ++round) {
      Words64 product0[N], product1[N];
      AECORE_LOCKSTEP(N) product0[i] = multiply_low(block[i].word[0], 0xD2511F53u);
      AECORE_LOCKSTEP(N) product1[i] = multiply_low(block[i].word[2], 0xCD9E8D57u);
      AECORE_LOCKSTEP(N) {
        block[i].word[0] = (product1[i] >> 32) ^ block[i].word[1] ^ low_[round];
        block[i].word[1] = product1[i];
        block[i].word[2] = (product0[i] >> 32) ^ block[i].word[3] ^ high_[round];
        block[i].word[3] = product0[i];
      }
    }
    AECORE_LOCKSTEP(N) {
      if constexpr (kPairs) {
        words_of_pairs(block[i], words[i]);
      } else {
        words_of_columns(block[i], words[i]);
      }
    }
  }

 private:
  PhiloxBlocks blocks_of(index_t row, index_t column) const {
    const auto source =
        static_cast<std::uint64_t>(rows_ != nullptr ? rows_[row] : first_row_ + row);
    PhiloxBlocks block{};
    for (int lane = 0; lane < AECORE_VECTOR_BYTES / 8; ++lane) {
      block.word[0][lane] = static_cast<std::uint64_t>(lane);
    }
    block.word[0] += static_cast<std::uint64_t>(column) >> 2;
    block.word[1] += source & 0xFFFFFFFFu;
    block.word[2] += epoch_;
    block.word[3] += purpose_ | (source >> 32) << 20;
    return block;
  }

  const index_t* rows_;
  index_t first_row_;
  std::uint32_t epoch_, purpose_;
  std::uint64_t low_[10], high_[10];  // keys of 32 bits, as wide as the lanes they go to
};

// Words as lanes of the width of T.
inline Words32 lanes_of(const std::uint32_t* words, float) {
  Words32 out;
  __builtin_memcpy(&out, words, sizeof out);
  return out;
}
inline Words64 lanes_of(const std::uint32_t* words, double) {
  Words64 out;
  for (int lane = 0; lane < AECORE_VECTOR_BYTES / 8; ++lane) out[lane] = words[lane];
  return out;
}

/// -1 in the lanes whose word is below `limit`, in [1, 2^32].
template <class T>
inline IntVec<T> words_below(const std::uint32_t* words, std::uint64_t limit) {
  const auto lanes = lanes_of(words, T{});
  const auto last = static_cast<std::uint32_t>(limit - 1);  // of 32 bits, where 2^32 has none
  return reinterpret_cast<IntVec<T>>(lanes <= last);
}

/// The upper 24 bits of each word, as numbers.
template <class T>
inline Vec<T> upper_24(const std::uint32_t* words) {
  const auto lanes = lanes_of(words, T{}) >> 8;
  return __builtin_convertvector(reinterpret_cast<IntVec<T>>(lanes), Vec<T>);
}

template <class T>
struct NormalConstants {
  static constexpr T kTwoPi = T(6.283185307179586476925);
  // Taylor on |x| <= pi/4: sin to x^11 in float (2e-9), x^17 in double (4e-19); cos likewise.
  static constexpr T kSin[] = {T(-1.0 / 6),
                               T(1.0 / 120),
                               T(-1.0 / 5040),
                               T(1.0 / 362880),
                               T(-1.0 / 39916800),
                               T(1.0 / 6227020800.0),
                               T(-1.0 / 1307674368000.0),
                               T(1.0 / 355687428096000.0)};
  static constexpr T kCos[] = {
      T(-1.0 / 2),       T(1.0 / 24),          T(-1.0 / 720),           T(1.0 / 40320),
      T(-1.0 / 3628800), T(1.0 / 479001600.0), T(-1.0 / 87178291200.0), T(1.0 / 20922789888000.0)};
  static constexpr int kTerms = sizeof(T) == sizeof(float) ? 5 : 8;
};

template <class T>
inline Vec<T> normal_polynomial(const T* coefficient, Vec<T> x) {
  Vec<T> y = splat(coefficient[NormalConstants<T>::kTerms - 1]);
  AECORE_UNROLL
  for (int i = NormalConstants<T>::kTerms - 2; i >= 0; --i) y = madd(y, x, splat(coefficient[i]));
  return y;
}

/// Box & Muller (1958): sqrt(-2 log(1 - u1)) times cos(2 pi u2) and sin(2 pi u2), u1 = even 2^-24
/// and u2 = odd 2^-24. 1 - u1 is exact, and so is the turn less its nearest quarter.
template <class T>
inline void normal_pair(Vec<T> even, Vec<T> odd, Vec<T>& cosine, Vec<T>& sine) {
  using C = NormalConstants<T>;
  const Vec<T> radius = square_root(T(-2) * log_v<T>((T(0x1p24) - even) * T(0x1p-24)));
  const Vec<T> rounded = odd * T(0x1p-22) + Simd<T>::kRound;
  const Vec<T> rest = (odd * T(0x1p-22) - (rounded - Simd<T>::kRound)) * T(0.25);
  const IntVec<T> quarter = bits<T>(rounded) - bits<T>(splat(Simd<T>::kRound));
  const Vec<T> angle = rest * C::kTwoPi;
  const Vec<T> square = angle * angle;
  const Vec<T> s = madd(angle * square, normal_polynomial<T>(C::kSin, square), angle);
  const Vec<T> c = madd(square, normal_polynomial<T>(C::kCos, square), splat(T{1}));
  const IntVec<T> odd_quarter = (quarter & 1) != 0;
  const Vec<T> at_cosine = select<T>(odd_quarter, T{0} - s, c);
  const Vec<T> at_sine = select<T>(odd_quarter, c, s);
  const IntVec<T> turned = (quarter & 2) != 0;  // half a turn changes both signs
  cosine = radius * select<T>(turned, T{0} - at_cosine, at_cosine);
  sine = radius * select<T>(turned, T{0} - at_sine, at_sine);
}

/// A panel of one row, x with noise in place; `drawn` says where. NaN stays NaN. `words` are those
/// of its columns (gaussian: those of its even ones, and kWordColumns / 2 further the odd ones').
template <class T, Noise N>
inline void corrupt_panel(const EnterCall<T>& call, const std::uint32_t* words,
                          Vec<T> (&x)[kVectors], IntVec<T> (&drawn)[kVectors]) {
  for (int v = 0; v < kVectors; ++v) drawn[v] = ~IntVec<T>{};
  if constexpr (N == Noise::gaussian) {
    Vec<T> cosine, sine;
    normal_pair<T>(upper_24<T>(words), upper_24<T>(words + kWordColumns / 2), cosine, sine);
    x[0] = madd(interleave<T, false>(cosine, sine), splat(call.level), x[0]);
    x[1] = madd(interleave<T, true>(cosine, sine), splat(call.level), x[1]);
  } else {
    for (int v = 0; v < kVectors; ++v) {
      const std::uint32_t* const own = words + v * Simd<T>::kLanes;
      if constexpr (N == Noise::uniform) {
        // x + level (2u - 1), not fused: the same bits on every processor.
        x[v] += call.level * ((upper_24<T>(own) - T(0x1p23)) * T(0x1p-23));
      } else {
        drawn[v] = words_below<T>(own, call.drawn_below);
        Vec<T> extreme = {};
        if constexpr (N == Noise::salt_and_pepper) {
          extreme = select<T>(words_below<T>(own, call.pepper_below), extreme, splat(T{1}));
        }
        x[v] = select<T>(drawn[v] & (x[v] == x[v]), extreme, x[v]);
      }
    }
  }
}

/// sign(x) log(1 + |x|); what is not finite stays as it is. Not inlined: it is long, and each noise
/// has a copy of its caller.
template <class T>
__attribute__((noinline)) void signed_log1p(Vec<T> (&x)[kVectors]) {
  Vec<T> u[kVectors], small[kVectors];
  for (int v = 0; v < kVectors; ++v) u[v] = at_most(absolute<T>(x[v]), T{1});
  log1p_v<T>(u, small);
  for (int v = 0; v < kVectors; ++v) {
    const Vec<T> size = absolute<T>(x[v]);
    const Vec<T> log = select<T>(size <= T{1}, small[v], log_v<T>(size + T{1}));
    const Vec<T> with_sign = from_bits<T>(bits<T>(log) | (bits<T>(x[v]) ^ bits<T>(size)));
    x[v] = select<T>(x[v] - x[v] == T{0}, with_sign, x[v]);
  }
}

constexpr index_t kEnterRows = 32;  // rows whose observed numbers are counted at a time

/// The factor of each row from `first` on: n_columns / n_observed.
template <class T>
inline unsigned count_observed(const EnterCall<T>& call, index_t first, index_t rows, T* factor) {
  IntVec<T> infinite = {};
  for (index_t r = 0; r < rows; ++r) {
    IntVec<T> missing = {};
    const T* x = call.clean + (first + r) * kWidth<T>;
    for (index_t column = 0; column < call.n_columns; column += kWidth<T>, x += call.clean_stride) {
      for (int v = 0; v < kVectors; ++v) {
        const Vec<T> value = load(x + v * Simd<T>::kLanes);
        missing += value != value;  // -1 each
        infinite |= bits<T>(absolute<T>(value)) == Simd<T>::kExponentMask;
      }
    }
    index_t observed = call.n_columns;
    for (int lane = 0; lane < Simd<T>::kLanes; ++lane) observed += missing[lane];
    factor[r] = static_cast<T>(static_cast<double>(call.n_columns) /
                               static_cast<double>(observed > 0 ? observed : 1));
  }
  for (int lane = 0; lane < Simd<T>::kLanes; ++lane) {
    if (infinite[lane] != 0) return kGatherNotFinite;
  }
  return 0;
}

template <class T, Noise N>
inline void enter_panel(const EnterCall<T>& call, const std::uint32_t* words, T factor, index_t row,
                        index_t panel) {
  constexpr index_t kLanes = Simd<T>::kLanes;
  const T* const from = call.clean + panel * call.clean_stride + row * kWidth<T>;
  T* const to = call.entering + panel * call.entering_stride + row * kWidth<T>;
  Vec<T> x[kVectors];
  IntVec<T> drawn[kVectors];
  for (int v = 0; v < kVectors; ++v) x[v] = load(from + v * kLanes);
  if (call.log1p) signed_log1p<T>(x);
  if constexpr (N != Noise::none) corrupt_panel<T, N>(call, words, x, drawn);
  for (int v = 0; v < kVectors; ++v) {
    if (call.mask_missing) x[v] = select<T>(x[v] == x[v], factor * x[v], Vec<T>{});
    store(to + v * kLanes, x[v]);
    if (call.weight == nullptr) continue;
    Vec<T> weight = splat(T{1});
    if constexpr (N != Noise::none) weight = select<T>(drawn[v], splat(call.emphasis), weight);
    store(call.weight + panel * call.weight_stride + row * kWidth<T> + v * kLanes, weight);
  }
}

template <class T, Noise N>
unsigned enter_rows(const EnterCall<T>& call) {
  constexpr index_t kPanels = kWordColumns / kWidth<T>;  // served by the same words
  constexpr index_t kPanelWords = N == Noise::gaussian ? kWidth<T> / 2 : kWidth<T>;
  const RandomWords random(call);
  const index_t n_panels = (call.n_columns + kWidth<T> - 1) / kWidth<T>;
  unsigned flags = 0;
  for (index_t first = 0; first < call.n_rows; first += kEnterRows) {
    const index_t rows = smaller(kEnterRows, call.n_rows - first);
    T factor[kEnterRows] = {};
    if (call.mask_missing) flags |= count_observed(call, first, rows, factor);
    for (index_t panel = 0; panel < n_panels; panel += kPanels) {
      for_row_groups(rows, [&](auto count, index_t r) {
        constexpr int kN = decltype(count)::value;
        std::uint32_t words[kN][kWordColumns];
        if constexpr (N != Noise::none) {
          random.draw<kN, N == Noise::gaussian>(first + r, panel * kWidth<T>, words);
        }
        for (int i = 0; i < kN; ++i) {
          for (index_t p = 0; p < kPanels && panel + p < n_panels; ++p) {
            const std::uint32_t* const own = words[i] + p * kPanelWords;
            enter_panel<T, N>(call, own, factor[r + i], first + r + i, panel + p);
          }
        }
      });
    }
  }
  return flags;
}

template <class T>
unsigned enter(const EnterCall<T>& call) {
  switch (call.noise) {
    case Noise::none:
      return enter_rows<T, Noise::none>(call);
    case Noise::masking:
      return enter_rows<T, Noise::masking>(call);
    case Noise::gaussian:
      return enter_rows<T, Noise::gaussian>(call);
    case Noise::salt_and_pepper:
      return enter_rows<T, Noise::salt_and_pepper>(call);
    case Noise::uniform:
      return enter_rows<T, Noise::uniform>(call);
  }
  return 0;
}

/// Missing numbers of a target become 0 with the weight 0. Returns kGatherNotFinite for infinity.
template <class T>
unsigned leave_out_missing(T* x, index_t stride, T* weight, index_t weight_stride, index_t rows,
                           index_t columns) {
  IntVec<T> infinite = {};
  for (index_t column = 0; column < columns; column += kWidth<T>) {
    for (index_t i = 0; i < rows * kWidth<T>; i += Simd<T>::kLanes) {
      const Vec<T> value = load(x + i);
      const IntVec<T> observed = value == value;
      infinite |= bits<T>(absolute<T>(value)) == Simd<T>::kExponentMask;
      store(x + i, select<T>(observed, value, Vec<T>{}));
      store(weight + i, select<T>(observed, load(weight + i), Vec<T>{}));
    }
    x += stride;
    weight += weight_stride;
  }
  for (int lane = 0; lane < Simd<T>::kLanes; ++lane) {
    if (infinite[lane] != 0) return kGatherNotFinite;
  }
  return 0;
}
