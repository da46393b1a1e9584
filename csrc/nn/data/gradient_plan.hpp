// How a batch is cut for an evaluation of J. Chunks depend on the shape alone; blocks depend on the
// number of threads too, but change no bits.
#pragma once

#include "nn/data/batch.hpp"
#include "nn/model/objective.hpp"

namespace aecore {

/// What scratch a BatchGradient gets.
struct GradientPlan {
  index_t max_rows;  // of a batch
  int n_threads;
  bool with_gradient;
  bool separate_target;
  double scratch_bytes;  // a batch that fits is one chunk, whose gradients are used tile by tile
  bool clip = false;     // actions may have a clip_norm
  bool sparse_input = false, sparse_target = false;  // as in the data: `for_data` says it

  bool operator==(const GradientPlan& other) const;
  /// This plan for batches of `data`: whether it has a target of its own, and what is sparse.
  GradientPlan for_data(const DataSet& data, const Network& network) const;
  /// Whether the output is computed at a sparse target's stored entries alone. A network of one
  /// layer, or whose last layer convolves, has no W^T to take it with: it computes all outputs, of
  /// which `output_loss` counts those that are there.
  bool samples_output(const Network& network, const ObjectiveOptions& options) const;

  /// Rows that are in scratch together: all of a batch, or whole blocks of a sum.
  index_t chunk_rows(const Network& network, const ObjectiveOptions& options,
                     std::size_t element) const;
  /// Rows of a chunk that a worker takes at a time: its share, in whole statistics blocks.
  index_t block_rows(const Network& network, const ObjectiveOptions& options,
                     std::size_t element) const;
};

}  // namespace aecore
