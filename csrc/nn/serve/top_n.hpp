// Rankings of rows of scores: the n best columns of each row without sorting the others, and the
// places that named columns take. What a recommender does with a block of users.
#pragma once

#include <cstdint>
#include <vector>

#include "core/threads.hpp"
#include "nn/serve/forward.hpp"

namespace aecore {

/// Numbers of an index array of either width; null holds none.
struct Indices {
  const void* data = nullptr;
  bool wide = false;  // int64, not int32

  index_t operator[](index_t i) const {
    return wide ? static_cast<const std::int64_t*>(data)[i]
                : static_cast<const std::int32_t*>(data)[i];
  }
};

/// Columns that no ranking may name: those where `allowed` is 0, and in row i those of
/// indices[indptr[i]] to indices[indptr[i + 1]], in any order and as often as they like.
struct Excluded {
  const std::uint8_t* allowed = nullptr;  // (n_columns); null allows all
  Indices indptr, indices;                // CSR without data; null excludes none
  index_t n_indices = 0;
};

/// A ranking is by score, the lower column first in a tie. Columns with NaN or -infinity are in
/// none.
struct Ranking {
  index_t n_rows, n_columns;
  Excluded excluded;
};

struct TopNOptions {
  Ranking ranking;
  index_t n;
  std::int32_t* ids;  // n_rows x n: the best first; -1 where none is left
  float* values;      // n_rows x n: their scores; -infinity beside -1
};

/// Takes scores, block by block, and writes the best of each row.
template <class T>
class TopN final : public OutputTaker<T> {
 public:
  /// For up to `n_workers`. All that the options name must live on. Throws std::invalid_argument
  /// for an indptr that leads astray.
  TopN(const TopNOptions& options, int n_workers);
  ~TopN() override;
  /// Throws std::invalid_argument for an index out of range, before anything is written there.
  void begin(index_t first, index_t n, int worker) override;
  void take(index_t column, index_t columns, const T* outputs, index_t row, int worker) override;
  void end(int worker) override;

 private:
  struct Row;
  struct Worker;
  TopNOptions options_;
  std::vector<Worker> workers_;
};

/// Ranks scores that are computed already, n_rows x n_columns, row-major.
template <class T>
void top_n(const T* scores, const TopNOptions& options, int n_threads, const Poll& poll);

struct PlacesOptions {
  Ranking ranking;
  Indices indptr, indices;  // CSR without data: the columns asked for
  index_t n_indices;
  std::int32_t* places;  // (n_indices) from 1, the best; 0 for a column that is in no ranking
};

/// Throws as TopN does.
template <class T>
void places(const T* scores, const PlacesOptions& options, int n_threads, const Poll& poll);

}  // namespace aecore
