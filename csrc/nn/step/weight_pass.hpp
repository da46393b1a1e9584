// The second half of a step: weight gradients, A^T delta over all rows of a chunk, tile by tile,
// each tile handed at once to what becomes of it (an optimiser's update, or the gradient's place).
#pragma once

#include <vector>

#include "core/threads.hpp"
#include "nn/data/batch.hpp"
#include "nn/step/weight_tasks.hpp"
#include "nn/step/weight_update.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

/// One side of a weight gradient: rows in panels, or their entries.
template <class T>
struct WeightOperand {
  MatrixPanels<const T> panels;
  const SparseColumns<T>* sparse = nullptr;  // instead
};

template <class T>
class WeightPass {
 public:
  /// For chunks of up to `rows`. A buffer of the size of the weights holds the gradients where
  /// `hold_gradients` says so (a batch comes in chunks that add up there, or its gradient is
  /// clipped), and where a caller begins the gradients of the first `n_begun` layers: it writes
  /// them to `held()` before a chunk is run.
  WeightPass(const Network& network, index_t rows, bool hold_gradients, index_t n_begun,
             int n_threads);
  T* held() { return gradients_.data(); }

  /// `inputs` and `deltas` by product: the rows that went in, dJ/dz; not both of one are sparse,
  /// and neither where its layer convolves.
  void run(Team& team, const std::vector<WeightOperand<T>>& inputs,
           const std::vector<WeightOperand<T>>& deltas, const RowChunk& chunk,
           PanelWeights<T>& weights, const WeightAction<T>& action, bool sum_squares);

  /// Sums over layers of ||W||^2, and of |W|, before the update, if the last run was asked for it.
  double squares() const;
  double sizes() const;

 private:
  /// Whether a decoder layer has the transpose of the layer's weights.
  bool is_tied_to(index_t layer) const { return network_.tied() && layer < network_.n_layers(); }
  void update_held(const WeightTask& task, double* squares, double* sizes, PanelWeights<T>& weights,
                   const WeightAction<T>& action);
  void update_bias(const WeightTask& task, double* squares, T* gradient, PanelWeights<T>& weights,
                   const WeightAction<T>& action);
  /// What a layer's weight gradient is made of: input^T delta, and of a tied decoder layer the
  /// transpose of the same.
  struct Operands {
    WeightOperand<T> input, delta;
    WeightOperand<T> tied_input, tied_delta;  // where the network is tied
  };
  Operands operands_of(const WeightTask& task, const std::vector<WeightOperand<T>>& inputs,
                       const std::vector<WeightOperand<T>>& deltas) const;
  void run_task(const WeightTask& task, double* squares, double* sizes, const Operands& operands,
                const RowChunk& chunk, PanelWeights<T>& weights, const WeightAction<T>& action,
                T* scratch);
  void pull_centers(const WeightTask& task, index_t column, const MatrixPanels<const T>& delta,
                    index_t rows, bool accumulate, PanelWeights<T>& weights, T* panel) const;
  void run_convolution(const WeightTask& task, WeightUpdate<T>& update, const Operands& operands,
                       const RowChunk& chunk, PanelWeights<T>& weights,
                       const WeightAction<T>& action, T* scratch);
  void bias_gradient(const WeightTask& task, double* squares, const WeightOperand<T>& delta,
                     const RowChunk& chunk, PanelWeights<T>& weights, const WeightAction<T>& action,
                     T* scratch);

  const Network& network_;
  const index_t n_begun_;
  const std::vector<WeightTask> tasks_;
  std::vector<double> task_squares_;       // of the weights before the update
  std::vector<double> task_sizes_;         // likewise, of their magnitudes
  std::vector<double> gradient_squares_;   // by task, biases included, when clipping
  std::vector<AlignedBuffer<T>> scratch_;  // of each worker: one panel of C, copies behind it
  AlignedBuffer<T> gradients_;             // in the layout of the weights, when held
};

}  // namespace aecore
