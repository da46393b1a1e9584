// Hidden units that become 0 in a row: all but the k largest of the code, then dropout's.
#pragma once

#include <vector>

#include "nn/codes/top_k.hpp"
#include "nn/data/batch.hpp"
#include "nn/model/objective.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class LeavingOut {
 public:
  LeavingOut(const Network& network, const ObjectiveOptions& options, int n_threads);

  /// Whether units of the layer's output are left out.
  bool any(index_t layer) const {
    const Layer& l = network_.layer(layer);
    return l.top_k > 0 || (options_.dropout > 0 && !l.gaussian());
  }

  /// The output `h` of a layer for a block's rows, from the first of them on. Slopes are treated
  /// alike; they may be missing where there is no dropout.
  void run(index_t layer, const RowBlock& block, const MatrixPanels<T>& h,
           const MatrixPanels<T>& slope);

 private:
  const Network& network_;
  const ObjectiveOptions& options_;
  std::vector<TopK<T>> top_k_;  // by worker
};

}  // namespace aecore
