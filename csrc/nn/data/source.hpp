// A user's rows, as they lie in memory, and the way from them into panels.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "nn/model/input.hpp"

namespace aecore {

/// Where the entries of sparse rows lie (CSR): row r has the entries indptr[r] to indptr[r + 1].
struct EntryIndex {
  const void* indptr = nullptr;   // n_rows + 1
  const void* columns = nullptr;  // n_entries
  bool wide_indptr = false;       // 64 bits instead of 32
  bool wide_columns = false;
  index_t n_entries = 0;  // that are there: no index leads past them

  index_t begin_of(index_t row) const { return read(indptr, wide_indptr, row); }
  index_t column(index_t entry) const { return read(columns, wide_columns, entry); }

 private:
  static index_t read(const void* array, bool wide, index_t i) {
    return wide ? read_as<std::int64_t>(array, i) : read_as<std::int32_t>(array, i);
  }
  /// Arrays of a user may begin at any address.
  template <class Index>
  static index_t read_as(const void* array, index_t i) {
    constexpr auto kSize = static_cast<index_t>(sizeof(Index));
    Index index;
    std::memcpy(&index, static_cast<const char*>(array) + i * kSize, sizeof(Index));
    return index_t{index};
  }
};

/// A view of a 2-D array of any numeric type, strides and byte order, or of sparse rows, whose
/// `data` are the entries, `column_stride` apart. Not owning.
struct RowSource {
  const char* data = nullptr;
  Element element = Element::float32;
  bool swapped = false;
  index_t n_rows = 0, n_columns = 0;
  index_t row_stride = 0, column_stride = 0;  // bytes
  std::string name = "X";                     // for messages
  EntryIndex entries;                         // of sparse rows

  bool sparse() const { return entries.indptr != nullptr; }
};

/// Which rows of a source: rows[i] for i in [first, first + n) or, without a list, first + i.
struct RowRange {
  const index_t* rows = nullptr;
  index_t first = 0;
  index_t n = 0;
  index_t n_after = 0;  // rows behind these that will be read next
};

/// Rows into panels of destination row 0 on, scaled. Throws a sentence with row and column where a
/// value is not finite in T or, if `unit_range`, outside [0, 1]. With input.mask_missing NaN is let
/// through, and infinity is left to the one who looks for NaN.
template <class T>
void gather_rows(const RowSource& source, const RowRange& range, const InputOptions& input,
                 bool unit_range, T* panels, index_t stride);

/// to = sign(x) log(1 + |x|) of a row of its own; both have room for whole panels, and may be one.
template <class T>
void take_logarithms(const T* x, index_t n, T* to);

/// What is asked of a number besides being finite, or missing.
struct Asked {
  bool may_be_missing = false;
  bool unit_range = false;    // [0, 1]
  bool not_negative = false;  // counts
};

/// Throws that sentence where a number of `source` is not what is asked.
template <class T>
void check_number(const RowSource& source, T x, index_t row, index_t column, const Asked& asked);

/// Throws that sentence about the first offender of all rows.
template <class T>
[[noreturn]] void throw_first_offender(const RowSource& source, const InputOptions& input,
                                       bool unit_range);

/// The rows as they lie, where a product can take them so: numbers of T next to each other, not
/// scaled. `data` is null where it cannot.
template <class T>
struct RowsInPlace {
  const T* data = nullptr;
  index_t row = 0;  // elements from one row to the next
};
template <class T>
RowsInPlace<T> rows_in_place(const RowSource& source, const InputOptions& input);

/// Throws as gather_rows does if one of the rows is not finite: for rows that were read in place.
template <class T>
void require_finite(const RowSource& source, index_t first, index_t n);

/// Begins to fetch one row from memory.
void fetch_row(const RowSource& source, index_t row);

/// `n` rows from position `first` of the range's list (or none past its end), for a product to
/// fetch; nothing is fetched from sources whose rows are not contiguous.
RowFetch plan_fetch(const RowSource& source, const RowRange& range, index_t first, index_t n);

}  // namespace aecore
