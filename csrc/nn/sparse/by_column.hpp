// The entries of sparse rows in the order of columns, as products take them.
#pragma once

#include "core/memory.hpp"
#include "kernels/dispatch.hpp"

namespace aecore {

/// Rows by their entries, columns ascending.
template <class T>
struct EntryRows {
  const index_t *begin, *end;  // of each row
  const std::int32_t* column;
  const T* value;
  index_t n_rows, n_columns;
};

template <class T>
class ByColumn {
 public:
  /// Takes the entries that are not 0: the others add nothing to a product.
  void take_nonzero(const EntryRows<T>& rows);
  /// Takes all entries without their values: `place()` says where the value of each goes.
  void take_places(const EntryRows<T>& rows);

  SparseColumns<T> view() const {
    return {column_begin_.data(), row_.data(), value_.data(), block_begin_.data(),
            block_row_.data()};
  }
  T* values() { return value_.data(); }
  const index_t* place() const { return place_.data(); }  // by entry of the rows

 private:
  template <bool WithZeros, class Put>
  void arrange(const EntryRows<T>& rows, Put put);

  AlignedBuffer<index_t> column_begin_, block_begin_, place_;
  AlignedBuffer<std::int32_t> row_, block_row_;
  AlignedBuffer<T> value_;
};

}  // namespace aecore
