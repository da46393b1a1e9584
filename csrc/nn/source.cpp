#include "nn/source.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "core/errors.hpp"
#include "kernels/dispatch.hpp"

namespace aecore {

namespace {

template <class T>
GatherCall<T> gather_call(const RowSource& source, const RowRange& range, double scale, T* panels,
                          index_t stride) {
  GatherCall<T> call{};
  call.data = source.data;
  call.element = source.element;
  call.swapped = source.swapped;
  call.row_stride = source.row_stride;
  call.column_stride = source.column_stride;
  call.rows = range.rows != nullptr ? range.rows + range.first : nullptr;
  call.first_row = range.first;
  call.n_rows = range.n;
  call.n_columns = source.n_columns;
  call.scale = static_cast<T>(scale);
  call.panels = panels;
  call.stride = stride;
  return call;
}

std::string at(index_t row, index_t column) {
  return " at row " + std::to_string(row) + ", column " + std::to_string(column) + ".";
}

/// Finds the first offender in reading order and says what it is. Slow, and only ever run once.
template <class T>
[[noreturn]] void throw_first_offender(const RowSource& source, double scale, bool unit_range) {
  const index_t width = kernels<T>().panel_width;
  std::vector<T> row(static_cast<std::size_t>(round_up(source.n_columns, width)));
  for (index_t r = 0; r < source.n_rows; ++r) {
    // One row in panels with a stride of one row is the row itself.
    kernels<T>().gather(
        gather_call<T>(source, RowRange{nullptr, r, 1, 0}, scale, row.data(), width));
    for (index_t c = 0; c < source.n_columns; ++c) {
      const T x = row[static_cast<std::size_t>(c)];
      if (std::isnan(x))
        throw std::invalid_argument("Input " + source.name + " contains NaN" + at(r, c));
      if (std::isinf(x)) {
        throw std::invalid_argument("Input " + source.name +
                                    " contains infinity or a value too large for dtype('" +
                                    (sizeof(T) == 4 ? "float32" : "float64") + "')" + at(r, c));
      }
      if (unit_range && (x < T{0} || x > T{1})) {
        std::ostringstream text;
        text << source.name << " must lie in [0, 1] for loss 'binary_cross_entropy'; got " << x
             << at(r, c);
        throw std::invalid_argument(text.str());
      }
    }
  }
  throw std::invalid_argument("Input " + source.name + " changed while it was read.");
}

}  // namespace

template <class T>
void gather_rows(const RowSource& source, const RowRange& range, double scale, bool unit_range,
                 T* panels, index_t stride) {
  const unsigned found = kernels<T>().gather(gather_call<T>(source, range, scale, panels, stride));
  const unsigned refused = kGatherNotFinite | (unit_range ? kGatherOutsideUnit : 0u);
  if ((found & refused) != 0) throw_first_offender<T>(source, scale, unit_range);
}

template <class T>
RowFetch plan_fetch(const RowSource& source, const RowRange& range, index_t first, index_t n,
                    const GemmCall<T>& product) {
  constexpr index_t kTileRows = 14;  // about the height of a tile
  RowFetch fetch{};
  if (source.n_columns < 2 || source.column_stride <= 0 || source.column_stride > 8) return fetch;
  fetch.data = source.data;
  fetch.row_stride = source.row_stride;
  fetch.row_bytes = source.n_columns * source.column_stride;
  fetch.rows = range.rows;
  fetch.first_row = first;
  fetch.n_rows = std::max(index_t{0}, std::min(n, range.first + range.n + range.n_after - first));
  const index_t n_tiles = ceil_div(product.row_end - product.row_begin, kTileRows) *
                          ceil_div(product.column_end, kernels<T>().panel_width) *
                          ceil_div(product.k, kSumBlock);
  fetch.bytes_per_tile =
      round_up(ceil_div(fetch.n_rows * fetch.row_bytes, std::max(index_t{1}, n_tiles)), 64);
  return fetch;
}

template RowFetch plan_fetch<float>(const RowSource&, const RowRange&, index_t, index_t,
                                    const GemmCall<float>&);
template RowFetch plan_fetch<double>(const RowSource&, const RowRange&, index_t, index_t,
                                     const GemmCall<double>&);
template void gather_rows<float>(const RowSource&, const RowRange&, double, bool, float*, index_t);
template void gather_rows<double>(const RowSource&, const RowRange&, double, bool, double*,
                                  index_t);

}  // namespace aecore
