#include "nn/data/targets.hpp"

#include <algorithm>

namespace aecore {

template <class T>
void require_not_negative(const RowSource& source, const RowRange& range,
                          MatrixPanels<const T> rows) {
  const index_t width = kernels<T>().panel_width;
  for (index_t column = 0; column < source.n_columns; column += width) {
    const index_t columns = std::min(width, source.n_columns - column);
    for (index_t r = 0; r < range.n; ++r) {
      const T* const x = rows.data + column / width * rows.stride + r * rows.row;
      T smallest{0};
      for (index_t j = 0; j < columns; ++j) smallest = std::min(smallest, x[j]);
      if (smallest >= T{0}) continue;
      const index_t row = range.rows != nullptr ? range.rows[range.first + r] : range.first + r;
      check_number(source, smallest, row, column + (std::find(x, x + columns, smallest) - x),
                   {false, false, true});
    }
  }
}

template void require_not_negative<float>(const RowSource&, const RowRange&,
                                          MatrixPanels<const float>);
template void require_not_negative<double>(const RowSource&, const RowRange&,
                                           MatrixPanels<const double>);

}  // namespace aecore
