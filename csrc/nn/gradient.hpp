// One evaluation of the objective over a batch of rows, with or without its gradient: the piece
// that training repeats per minibatch and L-BFGS calls over all rows.
//
// Rows are independent but for rho_hat, so a block of rows goes forward through all layers, through
// the loss and back again on one worker while its activations are in cache; only then are weight
// gradients taken (weight_pass.hpp). A step has three or four barriers however deep the network is.
// Blocks, chunks and sums are laid out by the shape alone.
#pragma once

#include <optional>
#include <vector>

#include "core/threads.hpp"
#include "nn/batch_rows.hpp"
#include "nn/clustering.hpp"
#include "nn/contraction.hpp"
#include "nn/gaussian_code.hpp"
#include "nn/gradient_plan.hpp"
#include "nn/leaving_out.hpp"
#include "nn/objective.hpp"
#include "nn/observed_output.hpp"
#include "nn/panels.hpp"
#include "nn/row_sums.hpp"
#include "nn/sparse_batch.hpp"
#include "nn/sparsity.hpp"
#include "nn/trimming.hpp"
#include "nn/weight_pass.hpp"
#include "nn/weights.hpp"

namespace aecore {

template <class T>
class BatchGradient {
 public:
  /// Everything is allocated here.
  BatchGradient(const Network& network, const ObjectiveOptions& options, const GradientPlan& plan);
  BatchGradient(const BatchGradient&) = delete;  // its parts point at each other

  /// The weights are read throughout, and written by `action` only after the
  /// last row has gone backward. The loss and sparsity of `parts()` are complete on return.
  void run(Team& team, PanelWeights<T>& weights, const Batch& batch, const WeightAction<T>& action,
           bool sum_squares);

  /// The weight decay term only if the run summed the squares.
  const ObjectiveParts& parts() const { return parts_; }

 private:
  struct Chunk {  // rows of the batch that are in scratch together
    index_t first, rows;
  };

  struct Views {  // what the weights pass reads, by product
    std::vector<WeightOperand<T>> inputs, deltas;
  };

  void allocate(const GradientPlan& plan);
  bool keeps_slope(index_t layer) const;
  index_t hidden_row(index_t layer, const Chunk& chunk) const;
  void enter_sparse(Team& team, const PanelWeights<T>& weights, const Batch& batch,
                    const Chunk& chunk, bool encode);
  BiasActivation<T> hidden_activation(const PanelWeights<T>& weights, index_t layer,
                                      const Chunk& chunk);
  MatrixPanels<const T> input_of(index_t product, const Batch& batch, const Chunk& chunk) const;
  PanelMatrix<T>& product_of(index_t product);
  index_t product_row(index_t product, const Chunk& chunk) const;
  GemmCall<T> forward_product(const PanelWeights<T>& weights, index_t product, const Batch& batch,
                              const Chunk& chunk, index_t row, index_t rows);
  void draw_code(const PanelWeights<T>& weights, index_t layer, const Batch& batch,
                 const Chunk& chunk, index_t row, index_t rows);
  void forward_hidden(const PanelWeights<T>& weights, index_t first, index_t last,
                      const Batch& batch, const Chunk& chunk, index_t row, index_t rows,
                      int worker);
  void cluster_code(const PanelWeights<T>& weights, const Batch& batch, const Chunk& chunk,
                    index_t row, index_t rows);
  void output_loss(const PanelWeights<T>& weights, const Batch& batch, const Chunk& chunk,
                   index_t row, index_t rows, int n_workers, int worker);
  GemmCall<T> backward_product(const PanelWeights<T>& weights, index_t product, index_t row,
                               index_t rows);
  MatrixPanels<const T> delta_of(index_t product) const;
  ActivationBackward<T> hidden_backward(index_t layer, const Chunk& chunk);
  template <class Use>
  void use_backward(index_t layer, const Chunk& chunk, Use use);
  void backward(const PanelWeights<T>& weights, index_t from, const Chunk& chunk, index_t row,
                index_t rows);
  template <class Body>
  void for_blocks(Team& team, const Chunk& chunk, Body body) const;
  void trim(Team& team, const PanelWeights<T>& weights, const Batch& batch);
  bool is_run(const Batch& batch, const Chunk& chunk) const;
  void encode_for_sparsity(Team& team, const PanelWeights<T>& weights, const Batch& batch);
  bool is_gathered(const Batch& batch, const Chunk& chunk) const;
  void contract(Team& team, const PanelWeights<T>& weights, const Batch& batch, const Chunk& chunk);
  void rows_pass(Team& team, PanelWeights<T>& weights, const Batch& batch, const Chunk& chunk);
  void observed_pass(Team& team, const PanelWeights<T>& weights, const Batch& batch,
                     const Chunk& chunk);
  void weights_pass(Team& team, PanelWeights<T>& weights, const Batch& batch, const Chunk& chunk,
                    const WeightAction<T>& action, bool sum_squares);
  void finish_parts(const Batch& batch, bool sum_squares);

  const Network& network_;
  const ObjectiveOptions options_;
  const bool with_gradient_;
  Sparsity<T> sparsity_;
  LeavingOut<T> leaving_out_;
  SparseBatch<T> sparse_;
  std::optional<ObservedOutput<T>> observed_;  // where the output is of entries alone
  const index_t n_contracted_;  // layers of the encoder, where J has the contractive penalty
  const index_t chunk_rows_, block_rows_;
  RowSums<T> sums_;
  std::optional<Trimming<T>> trimming_;
  BatchRows<T> rows_;
  GaussianCode<T> code_;
  Clustering<T> clustering_;

  std::vector<PanelMatrix<T>>
      activations_;  // of hidden layer l (n_hidden), all rows if l <= sparsity_.last()
  std::vector<PanelMatrix<T>> slopes_;  // beside activations_, of layers that keep theirs
  std::vector<PanelMatrix<T>> deltas_;  // dJ/dz of layer l, rows of a chunk; of the last
                                        // not where `observed_` has it
  AlignedBuffer<T> partial_loss_;       // by worker: a panel's width for each row of its block
  std::optional<WeightPass<T>> weight_pass_;   // with_gradient
  std::optional<Contraction<T>> contraction_;  // where J has the penalty
  typename Contraction<T>::Rows encoded_;      // what it reads
  Views views_;
  ObjectiveParts parts_;
};

}  // namespace aecore
