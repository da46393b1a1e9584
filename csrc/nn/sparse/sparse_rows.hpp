// Rows of a batch by their entries, from a user's CSR arrays: scaled, checked and in canonical
// form, which is columns ascending and duplicates summed; then the same entries column by column,
// as the first layer takes them.
#pragma once

#include <utility>
#include <vector>

#include "core/memory.hpp"
#include "nn/data/source.hpp"
#include "nn/sparse/by_column.hpp"

namespace aecore {

/// What becomes of entries on their way.
struct EntryOptions {
  const InputOptions* input = nullptr;
  const NoiseOptions* noise = nullptr;  // masking, of what enters: the target stays clean; or null
  Draw draw{};
  Asked asked{};
};

template <class T>
class SparseRows {
 public:
  /// `n_workers` may gather at the same time.
  explicit SparseRows(int n_workers) : scratch_(static_cast<std::size_t>(n_workers)) {}

  /// Makes room for the rows of the range. All that it is given must live on.
  void begin(const RowSource& source, const RowRange& range, const EntryOptions& options);

  /// Gathers rows [first, first + n) of the range. `begin` and `gather` throw a sentence about the
  /// source's first offender.
  void gather(index_t first, index_t n, int worker);

  /// Puts what enters, noise and all, in the order of columns, once all rows are gathered.
  void transpose() { by_column_.take_nonzero(rows_of(entering())); }
  SparseColumns<T> by_column() const { return by_column_.view(); }

  /// The rows as the loss sees them: without noise or logarithm.
  EntryRows<T> clean() const { return rows_of(value_); }
  SparseTarget<T> as_target(bool observed_only) {
    return {start_.data(), end_.data(), column_.data(), value_.data(), next_.data(), observed_only};
  }

  /// Writes what enters of one gathered row to `out`, its zeros too.
  void scatter(index_t row, T* out) const;

 private:
  struct Scratch {
    std::vector<std::pair<std::int32_t, index_t>> order;  // column, place
    std::vector<T> value;
    std::vector<double> offset, factor;  // by entry
  };
  bool read_columns(index_t i, bool& ascending);
  void read_values(index_t i, Scratch& scratch);
  void sort(index_t i, Scratch& scratch);
  void mask(index_t i);
  bool gather_row(index_t i, Scratch& scratch);
  [[noreturn]] void throw_first_bad_row() const;
  index_t source_row(index_t i) const {
    return range_.rows != nullptr ? range_.rows[range_.first + i] : range_.first + i;
  }
  bool masks() const { return options_.noise != nullptr && options_.noise->level > 0; }
  bool changes() const { return masks() || options_.input->log1p; }
  const AlignedBuffer<T>& entering() const { return changes() ? entering_ : value_; }
  EntryRows<T> rows_of(const AlignedBuffer<T>& value) const {
    return {start_.data(), end_.data(), column_.data(), value.data(), range_.n, source_->n_columns};
  }

  const RowSource* source_ = nullptr;
  RowRange range_{};
  EntryOptions options_{};
  AlignedBuffer<index_t> first_entry_;  // of each row in the source
  AlignedBuffer<index_t> start_, end_,
      next_;  // of each row here; there is room up to the next start
  AlignedBuffer<std::int32_t> column_;
  AlignedBuffer<T> value_, entering_;  // the target, and what enters if that is something else
  ByColumn<T> by_column_;
  std::vector<Scratch> scratch_;  // by worker
};

/// Throws a sentence about the first row whose indptr or column indices lead astray.
void check_structure(const RowSource& source);

}  // namespace aecore
