// One evaluation of the objective over a batch of rows, with or without its gradient: the piece
// that training repeats per minibatch and L-BFGS calls over all rows.
//
// Rows are independent but for rho_hat, so a block of rows goes forward through all layers, through
// the loss and back again on one worker (row_pass.hpp, output_layer.hpp); only then are weight
// gradients taken (weight_pass.hpp). A step has three or four barriers however deep the network is.
// Blocks, chunks and sums are laid out by the shape alone.
#pragma once

#include <optional>
#include <vector>

#include "nn/rows/batch_rows.hpp"
#include "nn/rows/row_sums.hpp"
#include "nn/step/observed_output.hpp"
#include "nn/step/output_layer.hpp"
#include "nn/step/row_pass.hpp"
#include "nn/step/weight_pass.hpp"
#include "nn/terms/contraction.hpp"
#include "nn/terms/sparsity.hpp"
#include "nn/terms/trimming.hpp"

namespace aecore {

template <class T>
class BatchGradient {
 public:
  /// Everything is allocated here.
  BatchGradient(const Network& network, const ObjectiveOptions& options, const GradientPlan& plan);
  BatchGradient(const BatchGradient&) = delete;  // its parts point at each other

  /// The weights are read throughout, and written by `action` only after the last row has gone
  /// backward. The loss and sparsity of `parts()` are complete on return.
  void run(Team& team, PanelWeights<T>& weights, const Batch& batch, const WeightAction<T>& action,
           bool sum_squares);

  /// The weight decay term only if the run summed the squares.
  const ObjectiveParts& parts() const { return parts_; }

 private:
  struct Views {  // what the weights pass reads, by product
    std::vector<WeightOperand<T>> inputs, deltas;
  };

  /// How far a chunk's rows have come. Where a batch has several chunks, each takes the scratch of
  /// the one before, but in the layers that have room for all rows.
  struct Reached {
    bool gathered = false;
    index_t layers = 0;  // hidden ones whose outputs are there
  };

  template <class Body>
  void for_chunks(const Batch& batch, Body body);
  template <class Body>
  void for_blocks(Team& team, const RowChunk& chunk, Body body) const;
  template <class Then>
  void advance(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk, index_t layers,
               Then then);
  void compare(const PanelWeights<T>& weights, const RowBlock& block);
  void trim(Team& team, const PanelWeights<T>& weights, const Batch& batch);
  void encode_for_sparsity(Team& team, const PanelWeights<T>& weights, const Batch& batch);
  void contract(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk);
  void rows_pass(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk);
  void observed_pass(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk);
  void weights_pass(Team& team, PanelWeights<T>& weights, const RowChunk& chunk,
                    const WeightAction<T>& action, bool sum_squares);
  void finish_parts(const Batch& batch, bool sum_squares);

  const Network& network_;
  const ObjectiveOptions options_;
  const bool with_gradient_;
  const index_t n_contracted_;  // layers of the encoder, where J has the contractive penalty
  const index_t chunk_rows_, block_rows_;
  BatchRows<T> rows_;
  RowSums<T> sums_;
  Sparsity<T> sparsity_;
  std::optional<Trimming<T>> trimming_;
  std::optional<Contraction<T>> contraction_;  // where J has the penalty
  RowPass<T> pass_;
  OutputLayer<T> output_;
  std::optional<ObservedOutput<T>> observed_;  // instead, where the output is of entries alone
  std::optional<WeightPass<T>> weight_pass_;   // with_gradient
  Views views_;
  Reached reached_;  // by the chunk at hand
  ObjectiveParts parts_;
};

}  // namespace aecore
