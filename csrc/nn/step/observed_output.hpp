// The output layer where the loss is of a sparse target's stored entries alone (observed_only): z,
// the loss and dJ/dz of those entries, and no others. After: Sedhain et al., "AutoRec: autoencoders
// meet collaborative filtering", WWW 2015.
#pragma once

#include <vector>

#include "core/threads.hpp"
#include "nn/model/objective.hpp"
#include "nn/rows/row_sums.hpp"
#include "nn/sparse/by_column.hpp"
#include "nn/weights/panels.hpp"
#include "nn/weights/weights.hpp"

namespace aecore {

template <class T>
class ObservedOutput {
 public:
  ObservedOutput(const Network& network, const ObjectiveOptions& options, int n_threads);

  /// Takes the target rows of a chunk and computes z of all their entries from `h`, the layer
  /// below.
  void multiply(Team& team, const EntryRows<T>& target, const PanelWeights<T>& weights,
                const MatrixPanels<const T>& h);

  /// z of a block's entries becomes dJ/dz; the losses of its rows go to the sums.
  void loss(const RowBlock& block, const T* bias, RowSums<T>& sums);

  /// dJ/dz of the chunk, by column.
  const SparseColumns<T>& deltas() const { return deltas_; }

 private:
  struct Row {  // of a worker: one row's entries next to each other
    AlignedBuffer<T> z, bias, partial;
  };
  const Network& network_;
  const ObjectiveOptions& options_;
  EntryRows<T> target_{};
  ByColumn<T> by_column_;
  SparseColumns<T> deltas_{};
  std::vector<Row> scratch_;
};

}  // namespace aecore
