#include "nn/data/source.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>
#include <vector>

#include "core/errors.hpp"
#include "kernels/dispatch.hpp"

namespace aecore {

namespace {

template <class T>
GatherCall<T> gather_call(const RowSource& source, const RowRange& range, const InputOptions& input,
                          T* panels, index_t stride) {
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
  call.scale = static_cast<T>(input.input_scale);
  if (!input.offset.empty()) {
    call.offset = input.offset.data();
    call.factor = input.factor.data();
    call.low = input.low;
    call.high = input.high;
  }
  call.panels = panels;
  call.stride = stride;
  return call;
}

std::string at(index_t row, index_t column) {
  return " at row " + std::to_string(row) + ", column " + std::to_string(column) + ".";
}

}  // namespace

template <class T>
void check_number(const RowSource& source, T x, index_t row, index_t column, const Asked& asked) {
  if (std::isnan(x) && !asked.may_be_missing)
    throw std::invalid_argument("Input " + source.name + " contains NaN" + at(row, column));
  if (std::isinf(x)) {
    throw std::invalid_argument("Input " + source.name +
                                " contains infinity or a value too large for dtype('" +
                                (sizeof(T) == 4 ? "float32" : "float64") + "')" + at(row, column));
  }
  std::ostringstream text;
  if (asked.unit_range && (x < T{0} || x > T{1})) {
    text << source.name << " must lie in [0, 1] for loss 'binary_cross_entropy'; got " << x
         << at(row, column);
    throw std::invalid_argument(text.str());
  }
  if (asked.not_negative && x < T{0}) {
    text << source.name << " must be >= 0 for losses 'poisson' and 'multinomial'; got " << x
         << at(row, column);
    throw std::invalid_argument(text.str());
  }
}

/// Finds the first offender in reading order and says what it is. Slow, and only ever run once.
template <class T>
void throw_first_offender(const RowSource& source, const InputOptions& input, bool unit_range) {
  const index_t width = kernels<T>().panel_width;
  std::vector<T> row(static_cast<std::size_t>(round_up(source.n_columns, width)));
  for (index_t r = 0; r < source.n_rows; ++r) {
    // One row in panels with a stride of one row is the row itself.
    kernels<T>().gather(
        gather_call<T>(source, RowRange{nullptr, r, 1, 0}, input, row.data(), width));
    for (index_t c = 0; c < source.n_columns; ++c) {
      check_number(source, row[static_cast<std::size_t>(c)], r, c,
                   {input.mask_missing, unit_range, false});
    }
  }
  throw std::invalid_argument("Input " + source.name + " changed while it was read.");
}

template <class T>
void gather_rows(const RowSource& source, const RowRange& range, const InputOptions& input,
                 bool unit_range, T* panels, index_t stride) {
  const unsigned found = kernels<T>().gather(gather_call<T>(source, range, input, panels, stride));
  const unsigned refused =
      (input.mask_missing ? 0u : kGatherNotFinite) | (unit_range ? kGatherOutsideUnit : 0u);
  if ((found & refused) != 0) throw_first_offender<T>(source, input, unit_range);
}

template <class T>
void take_logarithms(const T* x, index_t n, T* to) {
  EnterCall<T> call{};
  call.clean = x;
  call.entering = to;
  call.clean_stride = call.entering_stride = kernels<T>().panel_width;
  call.n_rows = 1;
  call.n_columns = n;
  call.log1p = true;
  kernels<T>().enter(call);
}

template <class T>
RowsInPlace<T> rows_in_place(const RowSource& source, const InputOptions& input) {
  constexpr auto kSize = static_cast<index_t>(sizeof(T));
  constexpr Element kOwn = sizeof(T) == sizeof(float) ? Element::float32 : Element::float64;
  const bool aligned = reinterpret_cast<std::uintptr_t>(source.data) % sizeof(T) == 0 &&
                       source.row_stride % kSize == 0;
  // The rows of a tile at such a distance fall into one set of a cache, which holds 8 to 12 of
  // them.
  const bool aliased = source.n_rows > 1 && source.row_stride % 4096 == 0;
  if (source.sparse() || source.element != kOwn || source.swapped ||
      source.column_stride != kSize || !aligned || aliased || !input.plain()) {
    return {};
  }
  return {reinterpret_cast<const T*>(source.data), source.row_stride / kSize};
}

template <class T>
void require_finite(const RowSource& source, index_t first, index_t n) {
  const RowsInPlace<T> rows = rows_in_place<T>(source, {});
  for (index_t r = first; r < first + n; ++r) {
    for (index_t c = 0; c < source.n_columns; ++c) {
      if (!std::isfinite(rows.data[r * rows.row + c])) throw_first_offender<T>(source, {}, false);
    }
  }
}

void fetch_row(const RowSource& source, index_t row) {
  const RowFetch fetch = plan_fetch(source, {nullptr, row, 1, 0}, row, 1);
  if (fetch.n_rows == 0) return;
  const char* const from = fetch.data + fetch.first_row * fetch.row_stride;
  for (index_t at = 0; at < fetch.row_bytes; at += 64) __builtin_prefetch(from + at, 0, 2);
}

RowFetch plan_fetch(const RowSource& source, const RowRange& range, index_t first, index_t n) {
  RowFetch fetch{};
  if (source.sparse() || source.n_columns < 2 || source.column_stride <= 0 ||
      source.column_stride > 8)
    return fetch;
  fetch.data = source.data;
  fetch.row_stride = source.row_stride;
  fetch.row_bytes = source.n_columns * source.column_stride;
  fetch.rows = range.rows;
  fetch.first_row = first;
  fetch.n_rows = std::max(index_t{0}, std::min(n, range.first + range.n + range.n_after - first));
  if (fetch.rows == nullptr && fetch.row_stride == fetch.row_bytes && fetch.n_rows > 0) {
    fetch.data += first * fetch.row_stride;  // rows without a gap are one long row
    fetch.row_bytes *= fetch.n_rows;
    fetch.first_row = 0;
    fetch.n_rows = 1;
  }
  return fetch;
}

template void take_logarithms<float>(const float*, index_t, float*);
template void take_logarithms<double>(const double*, index_t, double*);
template RowsInPlace<float> rows_in_place<float>(const RowSource&, const InputOptions&);
template RowsInPlace<double> rows_in_place<double>(const RowSource&, const InputOptions&);
template void require_finite<float>(const RowSource&, index_t, index_t);
template void require_finite<double>(const RowSource&, index_t, index_t);
template void check_number<float>(const RowSource&, float, index_t, index_t, const Asked&);
template void check_number<double>(const RowSource&, double, index_t, index_t, const Asked&);
template void throw_first_offender<float>(const RowSource&, const InputOptions&, bool);
template void throw_first_offender<double>(const RowSource&, const InputOptions&, bool);
template void gather_rows<float>(const RowSource&, const RowRange&, const InputOptions&, bool,
                                 float*, index_t);
template void gather_rows<double>(const RowSource&, const RowRange&, const InputOptions&, bool,
                                  double*, index_t);

}  // namespace aecore
