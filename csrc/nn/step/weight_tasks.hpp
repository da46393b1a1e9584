// How the weight gradients of a batch are cut into tasks: by the shape alone.
#pragma once

#include <vector>

#include "nn/model/network.hpp"

namespace aecore {

// A task reuses the deltas of one panel over this many rows of W, and their gradients, 16 KB of
// float32, stay in the first-level cache until they are used.
inline constexpr index_t kTaskRows = 128;

/// W[row_begin..row_end, column_begin..column_end) of one layer, and the bias of its columns where
/// row_begin is 0 unless it convolves; no rows: only its bias.
struct WeightTask {
  index_t layer, row_begin, row_end, column_begin, column_end;
  bool has_bias(const Network& network) const {
    const Layer& of = network.layer(layer);
    return row_end == 0 || (row_begin == 0 && !of.convolves() && !of.centers);
  }
};

/// The tasks of batches of `rows`, which cover all products' weights once.
template <class T>
std::vector<WeightTask> plan_weight_tasks(const Network& network, index_t rows);

}  // namespace aecore
