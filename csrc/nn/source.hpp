// A user's rows, as they lie in memory, and the way from them into panels.
#pragma once

#include <string>

#include "nn/input.hpp"

namespace aecore {

/// A view of a 2-D array of any numeric type, strides and byte order. Not owning.
struct RowSource {
  const char* data = nullptr;
  Element element = Element::float32;
  bool swapped = false;
  index_t n_rows = 0, n_columns = 0;
  index_t row_stride = 0, column_stride = 0;  // bytes
  std::string name = "X";                     // for messages
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

/// Starts the journey of one row from memory.
void fetch_row(const RowSource& source, index_t row);

/// `n` rows from position `first` of the range's list (or none past its end), for a product to
/// fetch; nothing is fetched from sources whose rows are not contiguous.
RowFetch plan_fetch(const RowSource& source, const RowRange& range, index_t first, index_t n);

}  // namespace aecore
