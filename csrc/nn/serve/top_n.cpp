#include "nn/serve/top_n.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "core/errors.hpp"

namespace aecore {

namespace {

constexpr index_t kBlockRows = 16;

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
class OpenColumns {
 public:
  explicit OpenColumns(const Ranking& ranking)
      : ranking_(&ranking), open_(static_cast<std::size_t>(ranking.n_columns), 1) {
    const std::uint8_t* const allowed = ranking.excluded.allowed;
    for (index_t j = 0; allowed != nullptr && j < ranking.n_columns; ++j) {
      open_[static_cast<std::size_t>(j)] = allowed[j] != 0;
    }
  }

  const std::uint8_t* enter(index_t row) {
    for_excluded(row, [&](index_t j) {
      check_column(j, ranking_->n_columns, row);
      open_[static_cast<std::size_t>(j)] = 0;
    });
    return open_.data();
  }

  void leave(index_t row) {
    const std::uint8_t* const allowed = ranking_->excluded.allowed;
    for_excluded(row, [&](index_t j) {
      open_[static_cast<std::size_t>(j)] = allowed == nullptr || allowed[j] != 0;
    });
  }

 private:
  template <class Function>
  void for_excluded(index_t row, Function function) {
    const Excluded& e = ranking_->excluded;
    if (e.indptr.data == nullptr) return;
    const index_t end = e.indptr[row + 1];
    for (index_t i = e.indptr[row]; i < end; ++i) function(e.indices[i]);
  }

  const Ranking* ranking_;
  std::vector<std::uint8_t> open_;
};

/// The best of one row.
template <class T>
class Best {
 public:
  explicit Best(index_t size) : size_(size), found_(static_cast<std::size_t>(2 * size + kGroup)) {}

  void begin() {
    count_ = 0;
    threshold_ = kLowest<T>;
  }

  /// Scores of columns [first, first + n). They come in ascending order: one that only equals the
  /// worst of `size` kept loses to it.
  void take(index_t first, index_t n, const T* scores, const std::uint8_t* open) {
    for (index_t begin = 0; begin < n; begin += kGroup) {
      const index_t size = std::min(kGroup, n - begin);
      int above = 0;
      for (index_t j = begin; j < begin + size; ++j) above += scores[j] > threshold_;
      if (above == 0) continue;
      for (index_t j = begin; j < begin + size; ++j) {
        found_[static_cast<std::size_t>(count_)] = {scores[j],
                                                    static_cast<std::int32_t>(first + j)};
        count_ += (scores[j] > threshold_) & (open[first + j] != 0);
      }
      if (count_ >= 2 * size_) {
        keep_best();
        threshold_ = found_[static_cast<std::size_t>(size_ - 1)].score;
      }
    }
  }

  void end() {
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

  static constexpr index_t kGroup = 8;  // most have no column above the threshold

  index_t size_;               // columns kept
  std::vector<Column> found_;  // the first count_ of them, in no order before the end
  index_t count_ = 0;
  T threshold_ = kLowest<T>;
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

void check(const Ranking& ranking) {
  const Excluded& excluded = ranking.excluded;
  if (excluded.indptr.data != nullptr) {
    check_indptr(excluded.indptr, ranking.n_rows, excluded.n_indices);
  }
}

/// body(first, n, worker) for blocks of rows.
template <class Body>
void for_each_block(index_t n_rows, int n_threads, const Poll& poll, const Body& body) {
  run_team(n_threads, poll, [&](Team& team) {
    team.for_each(ceil_div(n_rows, kBlockRows), [&](index_t block, int worker) {
      const index_t first = block * kBlockRows;
      body(first, std::min(kBlockRows, n_rows - first), worker);
    });
  });
}

}  // namespace

template <class T>
struct TopN<T>::Row {
  OpenColumns columns;
  Best<T> best;
  const std::uint8_t* open;
};

template <class T>
struct TopN<T>::Worker {
  std::vector<Row> rows;  // of the largest block so far
  index_t first, n;       // of the block at hand
};

template <class T>
TopN<T>::TopN(const TopNOptions& options, int n_workers)
    : options_(options), workers_(static_cast<std::size_t>(n_workers)) {
  check(options_.ranking);
}

template <class T>
TopN<T>::~TopN() = default;

template <class T>
void TopN<T>::begin(index_t first, index_t n, int worker) {
  Worker& mine = workers_[static_cast<std::size_t>(worker)];
  mine.first = first;
  mine.n = n;
  const index_t size = std::min(options_.n, options_.ranking.n_columns);
  while (static_cast<index_t>(mine.rows.size()) < n) {
    mine.rows.push_back({OpenColumns(options_.ranking), Best<T>(size), nullptr});
  }
  for (index_t i = 0; i < n; ++i) {
    Row& row = mine.rows[static_cast<std::size_t>(i)];
    row.open = row.columns.enter(first + i);
    row.best.begin();
  }
}

template <class T>
void TopN<T>::take(index_t column, index_t columns, const T* outputs, index_t row, int worker) {
  Worker& mine = workers_[static_cast<std::size_t>(worker)];
  for (index_t i = 0; i < mine.n; ++i) {
    Row& at = mine.rows[static_cast<std::size_t>(i)];
    at.best.take(column, columns, outputs + i * row, at.open);
  }
}

template <class T>
void TopN<T>::end(int worker) {
  Worker& mine = workers_[static_cast<std::size_t>(worker)];
  for (index_t i = 0; i < mine.n; ++i) {
    const index_t at = mine.first + i;
    Row& row = mine.rows[static_cast<std::size_t>(i)];
    row.columns.leave(at);
    row.best.end();
    row.best.write(options_.ids + at * options_.n, options_.values + at * options_.n, options_.n);
  }
}

template <class T>
void top_n(const T* scores, const TopNOptions& options, int n_threads, const Poll& poll) {
  TopN<T> best(options, n_threads);
  const index_t n_columns = options.ranking.n_columns;
  for_each_block(options.ranking.n_rows, n_threads, poll,
                 [&](index_t first, index_t n, int worker) {
                   best.begin(first, n, worker);
                   best.take(0, n_columns, scores + first * n_columns, n_columns, worker);
                   best.end(worker);
                 });
}

template <class T>
void places(const T* scores, const PlacesOptions& options, int n_threads, const Poll& poll) {
  const Ranking& ranking = options.ranking;
  check(ranking);
  check_indptr(options.indptr, ranking.n_rows, options.n_indices);
  std::vector<OpenColumns> columns(static_cast<std::size_t>(n_threads), OpenColumns(ranking));
  for_each_block(ranking.n_rows, n_threads, poll, [&](index_t first, index_t n, int worker) {
    OpenColumns& mine = columns[static_cast<std::size_t>(worker)];
    for (index_t row = first; row < first + n; ++row) {
      const std::uint8_t* const open = mine.enter(row);
      const index_t end = options.indptr[row + 1];
      for (index_t i = options.indptr[row]; i < end; ++i) {
        const index_t column = options.indices[i];
        check_column(column, ranking.n_columns, row);
        options.places[i] =
            place_of(column, scores + row * ranking.n_columns, open, ranking.n_columns);
      }
      mine.leave(row);
    }
  });
}

template class TopN<float>;
template class TopN<double>;
template void top_n<float>(const float*, const TopNOptions&, int, const Poll&);
template void top_n<double>(const double*, const TopNOptions&, int, const Poll&);
template void places<float>(const float*, const PlacesOptions&, int, const Poll&);
template void places<double>(const double*, const PlacesOptions&, int, const Poll&);

}  // namespace aecore
