// Rankings of rows of scores: the n best columns of each row without sorting the others, and the
// places that named columns take. What a recommender does with a block of users.
#pragma once

#include <cstdint>
#include <vector>

#include "core/threads.hpp"

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

/// Scores that are ranked, by score, the lower column first in a tie. Columns with NaN or -infinity
/// are in no ranking.
template <class T>
struct Scores {
  const T* data;  // n_rows x n_columns, row-major
  index_t n_rows, n_columns;
  Excluded excluded;
};

template <class T>
struct TopNCall {
  Scores<T> scores;
  index_t n;
  std::int32_t* ids;  // n_rows x n: the best first; -1 where none is left
  float* values;      // n_rows x n: their scores; -infinity beside -1
};

template <class T>
struct PlacesCall {
  Scores<T> scores;
  Indices indptr, indices;  // CSR without data: the columns asked for
  index_t n_indices;
  std::int32_t* places;  // (n_indices) from 1, the best; 0 for a column that is in no ranking
};

/// Both throw std::invalid_argument for an index out of range, before anything is read or written
/// there.
template <class T>
void top_n(const TopNCall<T>& call, int n_threads, const Poll& poll);
template <class T>
void places(const PlacesCall<T>& call, int n_threads, const Poll& poll);

}  // namespace aecore
