#include "nn/sparse/sparse_rows.hpp"

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "kernels/dispatch.hpp"

namespace aecore {

namespace {

bool extent_is_good(const RowSource& source, index_t row) {
  const index_t begin = source.entries.begin_of(row), end = source.entries.begin_of(row + 1);
  return 0 <= begin && begin <= end && end <= source.entries.n_entries;
}

void check_extent(const RowSource& source, index_t row) {
  AECORE_REQUIRE(extent_is_good(source, row),
                 source.name + ".indptr must rise from 0 to at most " +
                     std::to_string(source.entries.n_entries) + ", the number of entries; got " +
                     std::to_string(source.entries.begin_of(row)) + " and " +
                     std::to_string(source.entries.begin_of(row + 1)) + " at row " +
                     std::to_string(row));
}

void check_column(const RowSource& source, index_t row, index_t entry) {
  const index_t column = source.entries.column(entry);
  AECORE_REQUIRE(0 <= column && column < source.n_columns,
                 source.name + ".indices must lie in [0, " + std::to_string(source.n_columns) +
                     "); got " + std::to_string(column) + " at row " + std::to_string(row));
}

void check_row(const RowSource& source, index_t row) {
  check_extent(source, row);
  for (index_t e = source.entries.begin_of(row); e < source.entries.begin_of(row + 1); ++e) {
    check_column(source, row, e);
  }
}

}  // namespace

void check_structure(const RowSource& source) {
  if (!source.sparse()) return;
  for (index_t row = 0; row < source.n_rows; ++row) check_row(source, row);
}

template <class T>
void SparseRows<T>::begin(const RowSource& source, const RowRange& range,
                          const EntryOptions& options) {
  source_ = &source;
  range_ = range;
  options_ = options;
  first_entry_.reserve_more(range.n);
  start_.reserve_more(range.n + 1);
  end_.reserve_more(range.n);
  next_.reserve_more(range.n);
  start_[0] = 0;
  for (index_t i = 0; i < range.n; ++i) {
    const index_t row = source_row(i);
    if (!extent_is_good(source, row)) throw_first_bad_row();
    first_entry_[i] = source.entries.begin_of(row);
    const index_t n = source.entries.begin_of(row + 1) - first_entry_[i];
    end_[i] = start_[i] + n;
    // The kernels write whole panels.
    start_[i + 1] = start_[i] + round_up(n, kernels<T>().panel_width);
  }
  column_.reserve_more(start_[range.n]);
  value_.reserve_more(start_[range.n]);
  if (changes()) entering_.reserve_more(start_[range.n]);
}

/// False where a column is not one of the matrix.
template <class T>
bool SparseRows<T>::read_columns(index_t i, bool& ascending) {
  std::int32_t* const to = column_.data() + start_[i];
  const index_t n = end_[i] - start_[i];
  index_t before = -1;
  bool good = true;
  for (index_t e = 0; e < n; ++e) {
    const index_t column = source_->entries.column(first_entry_[i] + e);
    good = good && 0 <= column && column < source_->n_columns;
    ascending = ascending && before < column;
    before = column;
    to[e] = static_cast<std::int32_t>(column);
  }
  return good;
}

/// The entries of a row next to each other are a row of their own to the dense gather.
template <class T>
void SparseRows<T>::read_values(index_t i, Scratch& scratch) {
  const InputOptions& input = *options_.input;
  const index_t n = end_[i] - start_[i];
  GatherCall<T> call{};
  call.data = source_->data + first_entry_[i] * source_->column_stride;
  call.element = source_->element;
  call.swapped = source_->swapped;
  call.column_stride = source_->column_stride;
  call.n_rows = 1;
  call.n_columns = n;
  call.scale = static_cast<T>(input.input_scale);
  if (!input.factor.empty()) {
    scratch.offset.assign(static_cast<std::size_t>(n), 0.0);
    scratch.factor.resize(static_cast<std::size_t>(n));
    for (index_t e = 0; e < n; ++e) {
      scratch.factor[static_cast<std::size_t>(e)] =
          input.factor[static_cast<std::size_t>(column_[start_[i] + e])];
    }
    call.offset = scratch.offset.data();
    call.factor = scratch.factor.data();
    call.low = input.low;
    call.high = input.high;
  }
  call.panels = value_.data() + start_[i];
  call.stride = kernels<T>().panel_width;
  kernels<T>().gather(call);
}

/// Columns ascending, duplicates summed in the order they came (of booleans: true if one of them
/// is).
template <class T>
void SparseRows<T>::sort(index_t i, Scratch& scratch) {
  std::int32_t* const column = column_.data() + start_[i];
  T* const value = value_.data() + start_[i];
  const index_t n = end_[i] - start_[i];
  scratch.order.clear();
  for (index_t e = 0; e < n; ++e) scratch.order.emplace_back(column[e], e);
  scratch.value.assign(value, value + n);
  std::sort(scratch.order.begin(), scratch.order.end());
  index_t last = -1;
  for (const auto& [c, place] : scratch.order) {
    const T x = scratch.value[static_cast<std::size_t>(place)];
    if (last >= 0 && column[last] == c) {
      if (source_->element != Element::boolean) {
        value[last] += x;
      } else if (x != T{0}) {
        value[last] = x;
      }
      continue;
    }
    column[++last] = c;
    value[last] = x;
  }
  end_[i] = start_[i] + last + 1;
}

/// As the dense `enter` does it: the entry at (row, column) has its own random word.
template <class T>
void SparseRows<T>::mask(index_t i) {
  const Draw& draw = options_.draw;
  const AlignedBuffer<T>& from = options_.input->log1p ? entering_ : value_;
  const auto below = static_cast<std::uint64_t>(std::ceil(options_.noise->level * 0x1p32));
  const auto row = static_cast<std::uint64_t>(source_row(i));
  const PhiloxKey key{static_cast<std::uint32_t>(draw.seed),
                      static_cast<std::uint32_t>(draw.seed >> 32)};
  PhiloxCounter words{};
  std::int32_t block = -1;
  for (index_t e = start_[i]; e < end_[i]; ++e) {
    if (column_[e] >> 2 != block) {
      block = column_[e] >> 2;
      words = philox4x32(
          {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(row), draw.epoch,
           static_cast<std::uint32_t>(Purpose::noise) | static_cast<std::uint32_t>(row >> 32)
                                                            << 20},
          key);
    }
    const bool drawn = words[static_cast<std::size_t>(column_[e] & 3)] < below;
    entering_[e] = drawn ? T{0} : from[e];
  }
}

/// False where a number is not what it must be.
template <class T>
bool SparseRows<T>::gather_row(index_t i, Scratch& scratch) {
  const Asked& asked = options_.asked;
  bool ascending = true;
  if (!read_columns(i, ascending)) return false;
  read_values(i, scratch);
  if (!ascending) sort(i, scratch);
  bool good = true;
  for (index_t e = start_[i]; e < end_[i]; ++e) {
    const T x = value_[e];
    good = good && std::isfinite(x) && !(asked.unit_range && (x < T{0} || x > T{1})) &&
           !(asked.not_negative && x < T{0});
  }
  return good;
}

template <class T>
void SparseRows<T>::gather(index_t first, index_t n, int worker) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(worker)];
  for (index_t i = first; i < first + n; ++i) {
    if (!gather_row(i, scratch)) throw_first_bad_row();
    if (options_.input->log1p) {
      take_logarithms(value_.data() + start_[i], end_[i] - start_[i], entering_.data() + start_[i]);
    }
    if (masks()) mask(i);
  }
}

template <class T>
void SparseRows<T>::throw_first_bad_row() const {
  SparseRows one(1);
  for (index_t row = 0; row < source_->n_rows; ++row) {
    check_row(*source_, row);
    one.begin(*source_, {nullptr, row, 1, 0}, {options_.input, nullptr, {}, options_.asked});
    if (one.gather_row(0, one.scratch_[0])) continue;
    for (index_t e = 0; e < one.end_[0]; ++e) {
      check_number(*source_, one.value_[e], row, index_t{one.column_[e]}, options_.asked);
    }
  }
  throw std::invalid_argument("Input " + source_->name + " changed while it was read.");
}

template <class T>
void SparseRows<T>::scatter(index_t row, T* out) const {
  std::fill(out, out + source_->n_columns, T{0});
  const AlignedBuffer<T>& from = entering();
  for (index_t e = start_[row]; e < end_[row]; ++e) out[column_[e]] = from[e];
}

template class SparseRows<float>;
template class SparseRows<double>;

}  // namespace aecore
