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

/// The first `count` elements of a vector, wherever they lie; zero in the others.
template <class T, class Source>
inline Vec<T> convert_elements(const GatherCall<T>& call, const char* from, index_t count) {
  T to[Simd<T>::kLanes] = {};
  for (index_t i = 0; i < count; ++i, from += call.column_stride) {
    to[i] = convert<T>(read_element<Source>(from, call.swapped));
  }
  return load(to);
}

/// A vector from `from` on, each column on its own scale: subtracted and multiplied in double, so
/// that a large offset takes no digits.
template <class T, class Source>
inline Vec<T> scale_columns(const GatherCall<T>& call, const char* from, index_t column,
                            index_t count) {
  T to[Simd<T>::kLanes] = {};
  const double* const offset = call.offset + column;
  const double* const factor = call.factor + column;
  if (count == Simd<T>::kLanes && call.column_stride == static_cast<index_t>(sizeof(Source)) &&
      !call.swapped) {
    for (int i = 0; i < Simd<T>::kLanes; ++i) {
      Source value;
      __builtin_memcpy(&value, from + i * static_cast<index_t>(sizeof(Source)), sizeof value);
      to[i] = static_cast<T>((convert<double>(value) - offset[i]) * factor[i]);
    }
  } else {
    for (index_t i = 0; i < count; ++i, from += call.column_stride) {
      const double value = convert<double>(read_element<Source>(from, call.swapped));
      to[i] = static_cast<T>((value - offset[i]) * factor[i]);
    }
  }
  return load(to);
}

/// One panel of one row: `count` columns converted, scaled and checked in registers.
template <class T, class Source>
inline void gather_run(const GatherCall<T>& call, const char* from, index_t column, index_t count,
                       T* to, IntVec<T>& not_finite, IntVec<T>& outside) {
  constexpr index_t kLanes = Simd<T>::kLanes;
  const bool plain = call.column_stride == static_cast<index_t>(sizeof(Source)) && !call.swapped;
  const Vec<T> scale = splat(call.scale);
  for (index_t c = 0; c < kWidth<T>; c += kLanes) {
    const char* const at = from + c * call.column_stride;
    const index_t left = count - c;
    Vec<T> x;
    if (call.offset != nullptr) {
      x = scale_columns<T, Source>(call, at, column + c, smaller(left, kLanes));
    } else {
      x = scale * (plain && left >= kLanes
                       ? convert_vector<T, Source>(at)
                       : convert_elements<T, Source>(call, at, smaller(left, kLanes)));
    }
    not_finite |= (bits<T>(x) & Simd<T>::kExponentMask) == Simd<T>::kExponentMask;
    outside |= (x < T{0}) | (x > T{1});
    store(to + c, x);
  }
}

template <class T>
inline const char* source_row(const GatherCall<T>& call, index_t i) {
  i = smaller(i, call.n_rows - 1);
  const index_t row = call.rows != nullptr ? call.rows[i] : call.first_row + i;
  return call.data + row * call.row_stride;
}

/// Rows go in groups, panel by panel: one row after the other would touch as many pages as there
/// are panels, and the processor remembers 16 for its stores. The group behind travels meanwhile: a
/// shuffled row is a surprise to the processor's own prefetcher.
template <class T, class Source>
unsigned gather_rows(const GatherCall<T>& call) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kGroup = 8;
  constexpr index_t kRunBytes = kW * static_cast<index_t>(sizeof(Source));
  const bool contiguous = call.column_stride == static_cast<index_t>(sizeof(Source));
  IntVec<T> not_finite = {}, outside = {};
  for (index_t first = 0; first < call.n_rows; first += kGroup) {
    const index_t rows = smaller(kGroup, call.n_rows - first);
    const char* from[kGroup];
    const char* behind[kGroup];
    for (index_t i = 0; i < rows; ++i) {
      from[i] = source_row(call, first + i);
      behind[i] = contiguous ? source_row(call, first + kGroup + i) : from[i];
    }
    for (index_t column = 0; column < call.n_columns; column += kW) {
      const index_t count = smaller(kW, call.n_columns - column);
      T* to = call.panels + (column / kW) * call.stride + first * kW;
      const index_t offset = column * call.column_stride;
      for (index_t i = 0; i < rows; ++i, to += kW) {
        gather_run<T, Source>(call, from[i] + offset, column, count, to, not_finite, outside);
        for (index_t at = 0; at < kRunBytes; at += 64) {
          __builtin_prefetch(behind[i] + offset + at, 0, 3);
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

template <class T>
unsigned gather(const GatherCall<T>& call) {
  switch (call.element) {
    case Element::float32:
      return gather_rows<T, float>(call);
    case Element::float64:
      return gather_rows<T, double>(call);
    case Element::float16:
      return gather_rows<T, Half>(call);
    case Element::uint8:
      return gather_rows<T, std::uint8_t>(call);
    case Element::int8:
      return gather_rows<T, std::int8_t>(call);
    case Element::uint16:
      return gather_rows<T, std::uint16_t>(call);
    case Element::int16:
      return gather_rows<T, std::int16_t>(call);
    case Element::uint32:
      return gather_rows<T, std::uint32_t>(call);
    case Element::int32:
      return gather_rows<T, std::int32_t>(call);
    case Element::uint64:
      return gather_rows<T, std::uint64_t>(call);
    case Element::int64:
      return gather_rows<T, std::int64_t>(call);
    case Element::boolean:
      return gather_rows<T, std::uint8_t>(call);
  }
  return 0;
}
