// Rows of a user's array, of any numeric type, stride and byte order, into a panel tile: converted,
// scaled and checked on the way. A data set is never copied or cast as a whole.

template <class Source>
inline Source read_element(const char* p, bool swapped) {
  unsigned char raw[sizeof(Source)];
  for (unsigned i = 0; i < sizeof(Source); ++i) {
    raw[i] = static_cast<unsigned char>(p[swapped ? sizeof(Source) - 1 - i : i]);
  }
  Source value;
  __builtin_memcpy(&value, raw, sizeof value);
  return value;
}

struct Half {  // IEEE 754 binary16
  std::uint16_t code;
};

inline float to_float(Half half) {
  const std::uint32_t magnitude = half.code & 0x7FFFu;
  // As a float's exponent and mantissa the value is 2^112 too small; the product restores it and
  // turns half's subnormals into normals.
  std::uint32_t word = magnitude << 13;
  float value;
  __builtin_memcpy(&value, &word, sizeof value);
  value *= 0x1p112f;
  __builtin_memcpy(&word, &value, sizeof word);
  if (magnitude >= 0x7C00u) word = 0x7F800000u | (magnitude & 0x3FFu) << 13;  // infinity, NaN
  word |= static_cast<std::uint32_t>(half.code & 0x8000u) << 16;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}

template <class T, class Source>
inline T convert(Source value) {
  return static_cast<T>(value);
}
template <>
inline float convert<float, Half>(Half value) {
  return to_float(value);
}
template <>
inline double convert<double, Half>(Half value) {
  return static_cast<double>(to_float(value));
}

template <class A, class B>
constexpr bool kSame = false;
template <class A>
constexpr bool kSame<A, A> = true;

/// A vector of T from as many elements next to each other, in our byte order. Compilers do not find
/// the instruction that widens bytes by themselves: 25 cycles a vector where 3 are enough.
template <class T, class Source>
inline Vec<T> convert_vector(const char* from) {
  Vec<T> out;
  if constexpr (kSame<T, Source>) {
    __builtin_memcpy(&out, from, sizeof out);
  } else if constexpr (kSame<Source, std::uint8_t>) {
    from_bytes(from, out);
  } else {
    T to[Simd<T>::kLanes];
    for (int i = 0; i < Simd<T>::kLanes; ++i) {
      Source value;
      __builtin_memcpy(&value, from + i * static_cast<index_t>(sizeof(Source)), sizeof value);
      to[i] = convert<T>(value);
    }
    out = load(to);
  }
  return out;
}

/// The first `count` elements of a vector; zero in the others.
template <class T, class Source>
inline Vec<T> convert_elements(const char* from, index_t count) {
  T to[Simd<T>::kLanes] = {};
  for (index_t i = 0; i < count; ++i) {
    to[i] =
        convert<T>(read_element<Source>(from + i * static_cast<index_t>(sizeof(Source)), false));
  }
  return load(to);
}

/// A vector from `from` on, each column on its own scale: subtracted and multiplied in double, so
/// that a large offset takes no digits, and limited. What is not finite stays so, to be found.
template <class T, class Source>
inline Vec<T> scale_columns(const GatherCall<T>& call, const char* from, index_t column,
                            index_t count) {
  T to[Simd<T>::kLanes] = {};
  const double* const offset = call.offset + column;
  const double* const factor = call.factor + column;
  const double low = call.low, high = call.high;
  const auto scale = [&](index_t i) {
    const double value = convert<double>(
        read_element<Source>(from + i * static_cast<index_t>(sizeof(Source)), false));
    const double scaled = (value - offset[i]) * factor[i];
    const double limited = scaled < low ? low : scaled > high ? high : scaled;
    to[i] = static_cast<T>(value - value == 0 ? limited : value);
  };
  if (count == Simd<T>::kLanes) {  // a loop of known length is unrolled
    for (int i = 0; i < Simd<T>::kLanes; ++i) scale(i);
  } else {
    for (index_t i = 0; i < count; ++i) scale(i);
  }
  return load(to);
}

/// One panel of one row: `count` columns converted, scaled and checked in registers.
template <class T, class Source>
inline void gather_run(const GatherCall<T>& call, const char* from, index_t column, index_t count,
                       T* to, IntVec<T>& not_finite, IntVec<T>& outside) {
  constexpr index_t kLanes = Simd<T>::kLanes;
  const Vec<T> scale = splat(call.scale);
  for (index_t c = 0; c < kWidth<T>; c += kLanes) {
    const char* const at = from + c * static_cast<index_t>(sizeof(Source));
    const index_t left = count - c;
    Vec<T> x;
    if (call.offset != nullptr) {
      x = scale_columns<T, Source>(call, at, column + c, smaller(left, kLanes));
    } else {
      x = scale * (left >= kLanes ? convert_vector<T, Source>(at)
                                  : convert_elements<T, Source>(at, smaller(left, kLanes)));
    }
    not_finite |= (bits<T>(x) & Simd<T>::kExponentMask) == Simd<T>::kExponentMask;
    outside |= (x < T{0}) | (x > T{1});
    store(to + c, x);
  }
}

/// Elements of any type, stride and byte order as a run of To. What is not common goes through
/// here, so that the gather itself is compiled for a few types only: 6 KB of code for each.
template <class To>
using RunReader = void(const char* from, index_t stride, bool swapped, index_t count, To* to);

template <class To, class Source>
void read_run(const char* from, index_t stride, bool swapped, index_t count, To* to) {
  for (index_t i = 0; i < count; ++i, from += stride) {
    to[i] = convert<To>(read_element<Source>(from, swapped));
  }
}

template <class To>
inline RunReader<To>* run_reader(Element element) {
  switch (element) {
    case Element::float32:
      return read_run<To, float>;
    case Element::float64:
      return read_run<To, double>;
    case Element::float16:
      return read_run<To, Half>;
    case Element::uint8:
    case Element::boolean:
      return read_run<To, std::uint8_t>;
    case Element::int8:
      return read_run<To, std::int8_t>;
    case Element::uint16:
      return read_run<To, std::uint16_t>;
    case Element::int16:
      return read_run<To, std::int16_t>;
    case Element::uint32:
      return read_run<To, std::uint32_t>;
    case Element::int32:
      return read_run<To, std::int32_t>;
    case Element::uint64:
      return read_run<To, std::uint64_t>;
    case Element::int64:
      return read_run<To, std::int64_t>;
  }
  return nullptr;
}

template <class T>
inline const char* source_row(const GatherCall<T>& call, index_t i) {
  i = smaller(i, call.n_rows - 1);
  const index_t row = call.rows != nullptr ? call.rows[i] : call.first_row + i;
  return call.data + row * call.row_stride;
}

/// Rows go in groups, panel by panel: one row after the other would touch as many pages as there
/// are panels, and the processor remembers 16 for its stores. The group behind travels meanwhile: a
/// shuffled row is a surprise to the processor's own prefetcher. The rows hold numbers of Source
/// next to each other, or `read` makes them so.
template <class T, class Source>
unsigned gather_rows(const GatherCall<T>& call, RunReader<Source>* read) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kGroup = 8;
  const bool travels = call.column_stride <= 8;
  const index_t run_bytes = kW * call.column_stride;
  IntVec<T> not_finite = {}, outside = {};
  Source run[kW];
  for (index_t first = 0; first < call.n_rows; first += kGroup) {
    const index_t rows = smaller(kGroup, call.n_rows - first);
    const char* from[kGroup];
    const char* behind[kGroup];
    for (index_t i = 0; i < rows; ++i) {
      from[i] = source_row(call, first + i);
      behind[i] = travels ? source_row(call, first + kGroup + i) : from[i];
    }
    for (index_t column = 0; column < call.n_columns; column += kW) {
      const index_t count = smaller(kW, call.n_columns - column);
      T* to = call.panels + (column / kW) * call.stride + first * kW;
      const index_t offset = column * call.column_stride;
      for (index_t i = 0; i < rows; ++i, to += kW) {
        const char* at = from[i] + offset;
        if (read != nullptr) {
          read(at, call.column_stride, call.swapped, count, run);
          at = reinterpret_cast<const char*>(run);
        }
        gather_run<T, Source>(call, at, column, count, to, not_finite, outside);
        for (index_t ahead = 0; travels && ahead < run_bytes; ahead += 64) {
          __builtin_prefetch(behind[i] + offset + ahead, 0, 3);
        }
      }
    }
  }
  unsigned flags = 0;
  for (int lane = 0; lane < Simd<T>::kLanes; ++lane) {
    if (not_finite[lane] != 0) flags |= kGatherNotFinite;
    if (outside[lane] != 0) flags |= kGatherOutsideUnit;
  }
  return flags;
}

template <class T, class Source>
inline bool lies_ready(const GatherCall<T>& call) {
  return call.column_stride == static_cast<index_t>(sizeof(Source)) && !call.swapped;
}

template <class T>
unsigned gather(const GatherCall<T>& call) {
  const Element e = call.element;
  constexpr Element kOwn = sizeof(T) == sizeof(float) ? Element::float32 : Element::float64;
  if (e == kOwn && lies_ready<T, T>(call)) return gather_rows<T, T>(call, nullptr);
  if (e == Element::float64 && lies_ready<T, double>(call)) {
    return gather_rows<T, double>(call, nullptr);
  }
  if ((e == Element::uint8 || e == Element::boolean) && lies_ready<T, std::uint8_t>(call)) {
    return gather_rows<T, std::uint8_t>(call, nullptr);
  }
  // The scale of a column is applied in double; without, T is what a copy of the array would hold.
  if (call.offset != nullptr) return gather_rows<T, double>(call, run_reader<double>(e));
  return gather_rows<T, T>(call, run_reader<T>(e));
}
