// One evaluation of the objective over a batch of rows, with or without its gradient: the piece
// that training repeats per minibatch and L-BFGS calls over all rows.
//
// Rows are independent but for rho_hat, so a block of rows goes forward through all layers, through
// the loss and back again on one worker while its activations are in cache; only then are weight
// gradients taken, a panel of W at a time over all rows. A step has three or four barriers however
// deep the network is. Blocks, chunks and sums are laid out by the shape alone.
#pragma once

#include <memory>
#include <vector>

#include "core/threads.hpp"
#include "nn/objective.hpp"
#include "nn/panels.hpp"
#include "nn/source.hpp"

namespace aecore {

/// What becomes of each finished panel of gradients. `call` holds the pointers of parameter 0 and
/// the rates; the panel's own fields are filled in.
template <class T>
struct PanelAction {
  void (*kernel)(const UpdateCall<T>&) = nullptr;
  UpdateCall<T> call{};
};

struct Batch {
  const RowSource* x = nullptr;
  const RowSource* target = nullptr;      // null: x itself, scaled
  const double* sample_weight = nullptr;  // by source row; null: all 1
  RowRange range;
  double* row_loss = nullptr;  // out, by row of the batch; may be null
};

template <class T>
class BatchGradient {
 public:
  /// Scratch for batches of up to `max_rows` rows and `n_threads` workers. Everything is allocated
  /// here.
  BatchGradient(const Network& network, const ObjectiveOptions& options, index_t max_rows,
                int n_threads, bool with_gradient, bool separate_target);

  /// All workers call it. `parameters` are read throughout, and written by `action` only after the
  /// last row has gone backward. On return `parts()` is complete on every worker.
  void run(Worker& worker, const T* parameters, const Batch& batch, const PanelAction<T>& action);

  const ObjectiveParts& parts() const { return parts_; }

 private:
  struct WeightTask {  // rows [row_begin, row_end) of W of one layer, or its bias
    index_t layer, row_begin, row_end;
    bool bias;
    index_t offset;  // of its gradient in `gradients_` when chunks add up
  };
  struct Chunk {  // rows of the batch that are in scratch together
    index_t first, rows;
  };

  void plan_weight_tasks(bool several_chunks);
  index_t hidden_row(index_t layer, const Chunk& chunk) const;
  void pack_and_weigh(Worker& worker, const T* parameters, const Batch& batch);
  void weigh(const Batch& batch);
  void gather(const Batch& batch, const Chunk& chunk, index_t row, index_t rows);
  void forward_layer(index_t layer, const Chunk& chunk, index_t row, index_t rows,
                     Epilogue<T> epilogue, const void* context);
  void forward_hidden(const T* parameters, index_t first, index_t last, const Chunk& chunk,
                      index_t row, index_t rows);
  void output_loss(const T* parameters, const Batch& batch, const Chunk& chunk, index_t row,
                   index_t rows);
  void backward(const Chunk& chunk, index_t row, index_t rows);
  void encode_for_sparsity(Worker& worker, const T* parameters, const Batch& batch);
  void sum_activations(const Chunk& chunk, index_t row, index_t rows);
  void finish_sparsity(index_t n_rows);
  void rows_pass(Worker& worker, const T* parameters, const Batch& batch, const Chunk& chunk);
  void weights_pass(Worker& worker, const T* parameters, const Chunk& chunk, index_t n_rows,
                    const PanelAction<T>& action);
  void weight_task(const WeightTask& task, T* gradient, const Chunk& chunk, bool first);
  void finish_task(std::size_t index, const T* gradient, const T* parameters,
                   const PanelAction<T>& action);
  void finish_parts(const T* parameters, index_t n_rows);

  const Network& network_;
  const ObjectiveOptions options_;
  const bool with_gradient_;
  index_t chunk_rows_, block_rows_;
  index_t last_sparse_ = -1;  // layers up to here run before rho_hat is known

  PanelMatrix<T> input_, target_;
  std::vector<PanelMatrix<T>> activations_;  // of hidden layer l, all rows if l <= last_sparse_
  std::vector<PanelMatrix<T>> deltas_;       // dJ/dz of layer l, rows of a chunk
  std::vector<PackedWeights<T>> forward_weights_, backward_weights_;
  AlignedBuffer<T> row_weight_;     // w_i, rows of the batch
  AlignedBuffer<double> row_loss_;  // rows of a chunk
  std::vector<double> block_loss_;  // by block of kStatisticsRows rows of the batch
  std::vector<AlignedBuffer<T>> block_activations_;  // by sparse layer: block sums
  std::vector<AlignedBuffer<T>> penalty_;            // by layer: beta KL'(rho_hat_j); or empty
  std::vector<WeightTask> tasks_;
  std::vector<double> task_squares_;
  std::vector<AlignedBuffer<T>> worker_gradient_;  // one panel each
  AlignedBuffer<T> gradients_;                     // of all tasks, when chunks add up
  ObjectiveParts parts_;
};

}  // namespace aecore
