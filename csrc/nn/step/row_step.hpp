// One step of plain gradient descent on one row. The general step would pack, tile and pass over W
// three times for a single row; this one reads each weight twice and writes it once, on the calling
// thread (measured on 784-32-784: see docs/performance.md).
#pragma once

#include "nn/data/source.hpp"
#include "nn/model/objective.hpp"
#include "nn/weights/weights.hpp"

namespace aecore {

template <class T>
class RowStep {
 public:
  /// For objectives without a sparsity term (rho_hat of one row says nothing) that do not change
  /// the input.
  RowStep(const Network& network, const ObjectiveOptions& options);

  /// Updates `weights` by the row; `weight` 0 teaches nothing but decay. Returns the batch's J.
  double run(PanelWeights<T>& weights, const RowSource& x, const RowSource* target, index_t row,
             double weight, double learning_rate);

 private:
  T* row_of(index_t layer) { return rows_.data() + static_cast<index_t>(layer) * width_; }
  void forward(const PanelWeights<T>& weights);
  double loss(const PanelWeights<T>& weights, const T* target, T weight);
  double backward(PanelWeights<T>& weights, double learning_rate);

  const Network& network_;
  const ObjectiveOptions options_;
  index_t width_;            // of the widest layer, in whole panels
  AlignedBuffer<T> rows_;    // the input and every layer's activations; the last one's delta
  AlignedBuffer<T> slopes_;  // of layers whose activation needs z, one below the other
  AlignedBuffer<T> target_, delta_, below_, partial_loss_;
  AlignedBuffer<std::int32_t> nonzero_;  // elements of the input
  index_t n_nonzero_ = 0;
};

}  // namespace aecore
