#include "nn/top_n.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "core/errors.hpp"

namespace aecore {

namespace {

constexpr index_t kBlockRows = 16;
constexpr index_t kSteps = 32;  // scores looked at together: a compiler makes vectors of them

template <class T>
constexpr T kLowest = -std::numeric_limits<T>::infinity();

void check_column(index_t column, index_t n_columns, index_t row) {
  AECORE_REQUIRE(column >= 0 && column < n_columns,
                 "indices must lie in [0, " + std::to_string(n_columns) + "); got " +
                     std::to_string(column) + " in row " + std::to_string(row));
}

void check_indptr(const Indices& indptr, index_t n_rows, index_t n_indices) {
  index_t last = 0;
  for (index_t row = 0; row <= n_rows; ++row) {
    const index_t next = indptr[row];
    AECORE_REQUIRE(next >= last && next <= n_indices,
                   "indptr must rise from 0 to at most the number of indices, " +
                       std::to_string(n_indices) + "; got " + std::to_string(next) + " at " +
                       std::to_string(row));
    last = next;
  }
}

/// Which columns one row's ranking may name; one worker's.
template <class T>
class OpenColumns {
 public:
  explicit OpenColumns(const Scores<T>& scores)
      : scores_(scores), open_(static_cast<std::size_t>(scores.n_columns), 1) {
    const std::uint8_t* const allowed = scores.excluded.allowed;
    for (index_t j = 0; allowed != nullptr && j < scores.n_columns; ++j) {
      open_[static_cast<std::size_t>(j)] = allowed[j] != 0;
    }
  }

  const std::uint8_t* enter(index_t row) {
    for_excluded(row, [&](index_t j) {
      check_column(j, scores_.n_columns, row);
      open_[static_cast<std::size_t>(j)] = 0;
    });
    return open_.data();
  }

  void leave(index_t row) {
    const std::uint8_t* const allowed = scores_.excluded.allowed;
    for_excluded(row, [&](index_t j) {
      open_[static_cast<std::size_t>(j)] = allowed == nullptr || allowed[j] != 0;
    });
  }

 private:
  template <class Function>
  void for_excluded(index_t row, Function function) {
    const Excluded& e = scores_.excluded;
    if (e.indptr.data == nullptr) return;
    const index_t end = e.indptr[row + 1];
    for (index_t i = e.indptr[row]; i < end; ++i) function(e.indices[i]);
  }

  const Scores<T>& scores_;
  std::vector<std::uint8_t> open_;
};

/// The best of one row at a time; one worker's.
template <class T>
class Best {
 public:
  explicit Best(index_t size) : size_(size), found_(static_cast<std::size_t>(2 * size + kSteps)) {}

  /// Columns come in ascending order: one that only equals the worst of `size` kept loses to it.
  void find(const T* scores, const std::uint8_t* open, index_t n_columns) {
    count_ = 0;
    T threshold = kLowest<T>;
    for (index_t begin = 0; begin < n_columns; begin += kSteps) {
      const index_t end = std::min(begin + kSteps, n_columns);
      int above = 0;
      for (index_t j = begin; j < end; ++j) above += scores[j] > threshold;
      if (above == 0) continue;
      for (index_t j = begin; j < end; ++j) {
        found_[static_cast<std::size_t>(count_)] = {scores[j], static_cast<std::int32_t>(j)};
        count_ += (scores[j] > threshold) & (open[j] != 0);
      }
      if (count_ >= 2 * size_) {
        keep_best();
        threshold = found_[static_cast<std::size_t>(size_ - 1)].score;
      }
    }
    if (count_ > size_) keep_best();
    std::sort(found_.begin(), found_.begin() + count_, before);
  }

  void write(std::int32_t* ids, float* values, index_t n) const {
    for (index_t i = 0; i < n; ++i) {
      const bool there = i < count_;
      const Column best = there ? found_[static_cast<std::size_t>(i)] : Column{kLowest<T>, -1};
      ids[i] = best.id;
      values[i] = static_cast<float>(best.score);
    }
  }

 private:
  struct Column {
    T score;
    std::int32_t id;
  };
  static bool before(const Column& a, const Column& b) {
    return a.score > b.score || (a.score == b.score && a.id < b.id);
  }

  void keep_best() {
    std::nth_element(found_.begin(), found_.begin() + (size_ - 1), found_.begin() + count_, before);
    count_ = size_;
  }

  index_t size_;               // columns kept
  std::vector<Column> found_;  // the first count_ of them, in no order before the end
  index_t count_ = 0;
};

/// One more than the open columns that come before `column`; 0 where it is in no ranking.
template <class T>
std::int32_t place_of(index_t column, const T* scores, const std::uint8_t* open,
                      index_t n_columns) {
  const T own = scores[column];
  if (open[column] == 0 || !(own > kLowest<T>)) return 0;
  std::int32_t before = 1;
  for (index_t j = 0; j < column; ++j) before += (scores[j] >= own) & (open[j] != 0);
  for (index_t j = column + 1; j < n_columns; ++j) before += (scores[j] > own) & (open[j] != 0);
  return before;
}

/// visit(row, its scores, its open columns, worker) for every row.
template <class T, class Visit>
void for_each_row(const Scores<T>& scores, int n_threads, const Poll& poll, const Visit& visit) {
  const Excluded& excluded = scores.excluded;
  if (excluded.indptr.data != nullptr) {
    check_indptr(excluded.indptr, scores.n_rows, excluded.n_indices);
  }
  std::vector<OpenColumns<T>> columns(static_cast<std::size_t>(n_threads), OpenColumns<T>(scores));
  run_team(n_threads, poll, [&](Team& team) {
    team.for_each(ceil_div(scores.n_rows, kBlockRows), [&](index_t block, int worker) {
      OpenColumns<T>& mine = columns[static_cast<std::size_t>(worker)];
      const index_t end = std::min((block + 1) * kBlockRows, scores.n_rows);
      for (index_t row = block * kBlockRows; row < end; ++row) {
        visit(row, scores.data + row * scores.n_columns, mine.enter(row), worker);
        mine.leave(row);
      }
    });
  });
}

}  // namespace

template <class T>
void top_n(const TopNCall<T>& call, int n_threads, const Poll& poll) {
  const index_t n_columns = call.scores.n_columns;
  std::vector<Best<T>> best(static_cast<std::size_t>(n_threads),
                            Best<T>(std::min(call.n, n_columns)));
  for_each_row(call.scores, n_threads, poll,
               [&](index_t row, const T* scores, const std::uint8_t* open, int worker) {
                 Best<T>& mine = best[static_cast<std::size_t>(worker)];
                 mine.find(scores, open, n_columns);
                 mine.write(call.ids + row * call.n, call.values + row * call.n, call.n);
               });
}

template <class T>
void places(const PlacesCall<T>& call, int n_threads, const Poll& poll) {
  const index_t n_columns = call.scores.n_columns;
  check_indptr(call.indptr, call.scores.n_rows, call.n_indices);
  for_each_row(call.scores, n_threads, poll,
               [&](index_t row, const T* scores, const std::uint8_t* open, int) {
                 const index_t end = call.indptr[row + 1];
                 for (index_t i = call.indptr[row]; i < end; ++i) {
                   const index_t column = call.indices[i];
                   check_column(column, n_columns, row);
                   call.places[i] = place_of(column, scores, open, n_columns);
                 }
               });
}

template void top_n<float>(const TopNCall<float>&, int, const Poll&);
template void top_n<double>(const TopNCall<double>&, int, const Poll&);
template void places<float>(const PlacesCall<float>&, int, const Poll&);
template void places<double>(const PlacesCall<double>&, int, const Poll&);

}  // namespace aecore
