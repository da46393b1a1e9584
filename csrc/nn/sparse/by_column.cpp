#include "nn/sparse/by_column.hpp"

#include <algorithm>

namespace aecore {

namespace {

/// each(row, column, entry, whether it is the row's first in a block of the sum), row by row.
template <bool WithZeros, class T, class Each>
void for_entries(const EntryRows<T>& rows, Each each) {
  for (index_t i = 0; i < rows.n_rows; ++i) {
    index_t block = -1;
    for (index_t e = rows.begin[i]; e < rows.end[i]; ++e) {
      if (!WithZeros && rows.value[e] == T{0}) continue;
      const index_t column = rows.column[e];
      each(static_cast<std::int32_t>(i), column, e, column / kSumBlock != block);
      block = column / kSumBlock;
    }
  }
}

}  // namespace

template <class T>
template <bool WithZeros, class Put>
void ByColumn<T>::arrange(const EntryRows<T>& rows, Put put) {
  const index_t n_blocks = ceil_div(rows.n_columns, kSumBlock);
  // Entries of list c are counted at c + 2. Summed up, c + 1 says where the list's next entry goes;
  // once all entries are placed that is the list's end, and c has its begin.
  column_begin_.reserve_more(rows.n_columns + 2);
  block_begin_.reserve_more(n_blocks + 2);
  index_t* const columns = column_begin_.data();
  index_t* const blocks = block_begin_.data();
  std::fill(columns, columns + rows.n_columns + 2, index_t{0});
  std::fill(blocks, blocks + n_blocks + 2, index_t{0});
  for_entries<WithZeros>(rows, [&](std::int32_t, index_t column, index_t, bool begins) {
    ++columns[column + 2];
    blocks[column / kSumBlock + 2] += begins;
  });
  for (index_t c = 2; c < rows.n_columns + 2; ++c) columns[c] += columns[c - 1];
  for (index_t b = 2; b < n_blocks + 2; ++b) blocks[b] += blocks[b - 1];
  row_.reserve_more(columns[rows.n_columns + 1]);
  value_.reserve_more(columns[rows.n_columns + 1]);
  block_row_.reserve_more(blocks[n_blocks + 1]);
  for_entries<WithZeros>(rows, [&](std::int32_t row, index_t column, index_t entry, bool begins) {
    const index_t place = columns[column + 1]++;
    row_[place] = row;
    put(entry, place);
    if (begins) block_row_[blocks[column / kSumBlock + 1]++] = row;
  });
}

template <class T>
void ByColumn<T>::take_nonzero(const EntryRows<T>& rows) {
  arrange<false>(rows, [&](index_t entry, index_t place) { value_[place] = rows.value[entry]; });
}

template <class T>
void ByColumn<T>::take_places(const EntryRows<T>& rows) {
  place_.reserve_more(rows.n_rows > 0 ? rows.end[rows.n_rows - 1] : 0);
  arrange<true>(rows, [&](index_t entry, index_t place) { place_[entry] = place; });
}

template class ByColumn<float>;
template class ByColumn<double>;

}  // namespace aecore
