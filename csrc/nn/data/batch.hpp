// A user's rows, a batch of them, and the pieces of a batch that are computed together.
#pragma once

#include "nn/data/source.hpp"

namespace aecore {

/// Sums over rows (rho_hat, the loss) are taken in blocks of this many rows, so that they do not
/// depend on how many rows a worker takes at a time.
inline constexpr index_t kStatisticsRows = 32;

/// Rows with a target and weights of their own; `rows` selects and orders them. Not owning.
struct DataSet {
  RowSource x;
  const RowSource* target = nullptr;      // null: x itself, scaled
  const RowSource* clusters = nullptr;    // p, the target of a row's soft assignment to clusters
  const double* sample_weight = nullptr;  // by source row; null: all 1
  const index_t* rows = nullptr;          // null: all
  index_t n_rows = 0;                     // selected

  bool sparse_target() const { return (target != nullptr ? *target : x).sparse(); }
  /// `n` of the rows from position `first` on.
  RowRange range(index_t first, index_t n) const { return {rows, first, n, n_rows - first - n}; }
};

struct Batch {
  const DataSet& data;
  RowRange range;
  double* row_loss = nullptr;  // out, by row of the batch; may be null
  std::uint32_t epoch = 0;     // of noise, dropout and a Gaussian code
  double* running = nullptr;   // rho_hat of the batch before, by sparse layer, or NaN; updated
  double warm_up = 1;          // factor on the weight of a Gaussian code's divergence

  /// That of row i of the batch, as it was given.
  double sample_weight(index_t i) const {
    if (data.sample_weight == nullptr) return 1;
    const index_t row = range.first + i;
    return data.sample_weight[range.rows != nullptr ? range.rows[row] : row];
  }
  /// `n` rows of the batch, as rows of the data.
  RowRange part(index_t first, index_t n) const { return {range.rows, range.first + first, n, 0}; }
};

/// Rows [first, first + rows) of a batch, which are in scratch together.
struct RowChunk {
  const Batch& batch;
  index_t first, rows;

  bool begins_batch() const { return first == 0; }
  bool ends_batch() const { return first + rows == batch.range.n; }
};

/// Rows [row, row + rows) of a chunk, which one worker takes.
struct RowBlock {
  const RowChunk& chunk;
  index_t row, rows;
  int worker;
  index_t ahead;  // the worker's next block is likely to begin so many rows behind this one

  const Batch& batch() const { return chunk.batch; }
  /// Its first row in the batch; its rows as rows of the data.
  index_t first() const { return chunk.first + row; }
  RowRange range() const { return batch().part(first(), rows); }
};

}  // namespace aecore
