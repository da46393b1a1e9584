// The way of rows through the hidden layers and back again. A block of rows goes through all of
// them on one worker while its activations are in cache; products with sparse operands are taken
// column by column, for all rows of a chunk at once.
#pragma once

#include <optional>
#include <vector>

#include "core/threads.hpp"
#include "nn/codes/leaving_out.hpp"
#include "nn/rows/batch_rows.hpp"
#include "nn/rows/hidden_rows.hpp"
#include "nn/rows/row_sums.hpp"
#include "nn/terms/clustering.hpp"
#include "nn/terms/contraction.hpp"
#include "nn/terms/gaussian_code.hpp"
#include "nn/terms/sparsity.hpp"
#include "nn/weights/weights.hpp"

namespace aecore {

template <class T>
class RowPass {
 public:
  /// What the pass reads and adds to: the batch's rows and sums, and the terms of J whose
  /// derivatives come in at hidden layers. All of them outlive the pass.
  struct Shared {
    BatchRows<T>& rows;
    RowSums<T>& sums;
    const Sparsity<T>& sparsity;
    const std::optional<Contraction<T>>& contraction;
  };
  RowPass(const Network& network, const ObjectiveOptions& options, const GradientPlan& plan,
          const Shared& shared);

  /// Sparse rows through the first layer, whose bias and activation follow unless it is the output.
  void enter_sparse(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk);
  /// Through the hidden layers [first, last); where rows are sparse the first is behind them.
  void forward(const PanelWeights<T>& weights, const RowBlock& block, index_t first, index_t last);
  /// The divergence of the code's soft assignment, and where a gradient is asked for its derivative
  /// by the code: dJ/dh of that layer, or a part of it that the decoder adds to.
  void cluster(const PanelWeights<T>& weights, const RowBlock& block);
  /// The product that makes z of the output; its caller leaves dJ/dz in the same place.
  GemmCall<T> output(const PanelWeights<T>& weights, const RowBlock& block) {
    return forward_product(weights, network_.n_layers() - 1, block);
  }

  /// From dJ/dz of layer `from` to that of all below.
  void backward(const PanelWeights<T>& weights, const RowBlock& block, index_t from);
  /// From dJ/dz of the output, by column, to that of the layer below.
  void backward_sparse(Team& team, const PanelWeights<T>& weights,
                       const SparseColumns<T>& by_column, const RowChunk& chunk);

  const HiddenRows<T>& hidden() const { return hidden_; }
  /// What a product multiplies, the chunk's rows or the layer below; dJ/dz of what it made.
  MatrixPanels<const T> input_of(index_t product, const RowChunk& chunk) const;
  MatrixPanels<const T> delta_of(index_t product) const;

 private:
  PanelMatrix<T>& delta(index_t layer) { return deltas_[static_cast<std::size_t>(layer)]; }
  MatrixPanels<T> product_of(index_t product, const RowChunk& chunk);
  GemmCall<T> forward_product(const PanelWeights<T>& weights, index_t product,
                              const RowBlock& block);
  BiasActivation<T> forward_context(const PanelWeights<T>& weights, index_t product,
                                    const RowChunk& chunk);
  void activate(const PanelWeights<T>& weights, const RowBlock& block, index_t product,
                bool* not_finite = nullptr);
  void draw_code(const PanelWeights<T>& weights, const RowBlock& block, index_t layer);
  GemmCall<T> backward_product(const PanelWeights<T>& weights, index_t product,
                               const RowBlock& block);
  ActivationBackward<T> backward_context(index_t layer, const RowChunk& chunk) const;
  template <class Use>
  void use_backward(index_t layer, const RowChunk& chunk, Use use);

  const Network& network_;
  const ObjectiveOptions& options_;
  const bool with_gradient_;
  const Shared shared_;
  LeavingOut<T> leaving_out_;
  GaussianCode<T> code_;
  Clustering<T> clustering_;
  HiddenRows<T> hidden_;
  std::vector<PanelMatrix<T>> deltas_;  // dJ/dz by layer, rows of a chunk; not of an output of
                                        // observed entries alone
};

}  // namespace aecore
