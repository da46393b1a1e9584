// The second half of a step: weight gradients, A^T delta over all rows of a chunk, tile by tile,
// each tile handed at once to what becomes of it (an optimiser's update, or the gradient's place).
#pragma once

#include <vector>

#include "core/threads.hpp"
#include "nn/panels.hpp"
#include "nn/weights.hpp"

namespace aecore {

/// What becomes of each tile of gradients. `update` holds the rates and the pointers of the flat
/// buffers; the pass moves them to the layer at hand.
template <class T>
struct WeightAction {
  Epilogue<T> epilogue = nullptr;
  WeightUpdate<T> update{};
  double clip_norm = 0;  // largest norm of the whole gradient, which is then held; 0: any
};

template <class T>
class WeightPass {
 public:
  /// `rows`: of a batch. `hold_gradients`: in a buffer of the size of the weights, because a batch
  /// comes in pieces that add up there, or because its gradient is clipped.
  WeightPass(const Network& network, index_t rows, bool hold_gradients, int n_threads);

  struct Chunk {
    index_t rows;
    bool first, last;  // of the batch
  };
  /// `inputs` and `deltas` by layer: the rows that went in, dJ/dz.
  void run(Team& team, const std::vector<MatrixPanels<const T>>& inputs,
           const std::vector<MatrixPanels<const T>>& deltas, const Chunk& chunk,
           PanelWeights<T>& weights, const WeightAction<T>& action, bool sum_squares);

  /// Sum over layers of ||W||^2 before the update, if the last run was asked for it.
  double squares() const;

 private:
  struct Task {  // W[row_begin..row_end, column_begin..column_end) of one layer
    index_t layer, row_begin, row_end, column_begin, column_end;
  };
  void plan(index_t rows);
  WeightUpdate<T> update_of(const Task& task, PanelWeights<T>& weights,
                            const WeightAction<T>& action) const;
  WeightUpdate<T> bias_update_of(const Task& task, PanelWeights<T>& weights,
                                 const WeightAction<T>& action) const;
  WeightAction<T> clipped(const WeightAction<T>& action) const;
  void update_held(const Task& task, double* squares, PanelWeights<T>& weights,
                   const WeightAction<T>& action);
  void run_task(const Task& task, double* squares, const MatrixPanels<const T>& input,
                const MatrixPanels<const T>& delta, const Chunk& chunk, PanelWeights<T>& weights,
                const WeightAction<T>& action, T* scratch);
  void bias_gradient(const Task& task, double* squares, const MatrixPanels<const T>& delta,
                     const Chunk& chunk, PanelWeights<T>& weights, const WeightAction<T>& action,
                     T* scratch);

  const Network& network_;
  std::vector<Task> tasks_;
  std::vector<double> task_squares_;       // of the weights before the update
  std::vector<double> gradient_squares_;   // by task, biases included, when clipping
  std::vector<AlignedBuffer<T>> scratch_;  // one panel of C for each worker
  AlignedBuffer<T> gradients_;             // in the layout of the weights, when held
};

}  // namespace aecore
