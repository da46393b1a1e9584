// What the hidden layers make of a batch's rows, as far as it is in scratch: their outputs, and
// their slopes where the outputs alone do not tell them.
#pragma once

#include <vector>

#include "nn/data/gradient_plan.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class HiddenRows {
 public:
  /// Room for all rows of a batch in the layers up to the last with a sparsity term, which are
  /// encoded before anything else, and for a chunk in the others.
  HiddenRows(const Network& network, const ObjectiveOptions& options, const GradientPlan& plan);

  /// Layers that have room for all rows of a batch.
  index_t n_whole() const { return n_whole_; }

  /// The layer's output from row `row` of a chunk on.
  MatrixPanels<const T> h(index_t layer, const RowChunk& chunk, index_t row = 0) const {
    return h_[at(layer)].from_row(begin(layer, chunk) + row);
  }
  MatrixPanels<T> into_h(index_t layer, const RowChunk& chunk, index_t row = 0) {
    return h_[at(layer)].into_row(begin(layer, chunk) + row);
  }

  /// Whether the way forward leaves the layer's slopes here; if not, both views of them are null.
  bool keeps_slope(index_t layer) const { return slope_[at(layer)].stride() > 0; }
  MatrixPanels<const T> slope(index_t layer, const RowChunk& chunk, index_t row = 0) const {
    if (!keeps_slope(layer)) return {};
    return slope_[at(layer)].from_row(begin(layer, chunk) + row);
  }
  MatrixPanels<T> into_slope(index_t layer, const RowChunk& chunk, index_t row = 0) {
    if (!keeps_slope(layer)) return {};
    return slope_[at(layer)].into_row(begin(layer, chunk) + row);
  }

 private:
  static std::size_t at(index_t layer) { return static_cast<std::size_t>(layer); }
  index_t begin(index_t layer, const RowChunk& chunk) const {
    return layer < n_whole_ ? chunk.first : 0;
  }

  const index_t n_whole_;
  std::vector<PanelMatrix<T>> h_, slope_;
};

}  // namespace aecore
