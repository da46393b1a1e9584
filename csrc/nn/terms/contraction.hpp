// The contractive penalty gamma sum_i w_i ||J_i||_F^2, J_i = dh_code/dh_0 of row i: S. Rifai, P.
// Vincent, X. Muller, X. Glorot, Y. Bengio, "Contractive auto-encoders: explicit invariance during
// feature extraction", ICML 2011. With the slopes s_l of layer l for one row, in which dropout and
// top-k codes are constant factors,
//
//   B_code = diag(s_code),   B_{l-1} = (B_l W_l^T) diag(s_{l-1}),   J = B_0 W_0^T
//
// J itself is never made: ||J||^2 = sum(B_0 * B_0 M) with M = W_0^T W_0. Back again, row by row,
//
//   D_0 = 2 gamma w B_0,   G_0 = D_0 M,   D_{l+1} = G_l diag(s_l),   G_{l+1} = D_{l+1} W_{l+1}
//   dJ/dz_l = f''/f' sum over the code of G_l * B_l
//   dJ/dW_0 = W_0 (sum over rows of D_0^T B_0),   dJ/dW_l = sum over rows of D_l^T B_l
//
// For one layer this is sum_j s_j^2 ||W_j||^2 with the columns W_j, and costs next to nothing.
#pragma once

#include <vector>

#include "core/threads.hpp"
#include "nn/rows/hidden_rows.hpp"
#include "nn/weights/weights.hpp"

namespace aecore {

template <class T>
class Contraction {
 public:
  /// For up to `max_rows` rows at a time.
  Contraction(const Network& network, const ObjectiveOptions& options, index_t max_rows,
              bool with_gradient);

  /// A chunk's rows, of which `hidden` has the outputs and slopes of layers 0 to the code.
  struct Rows {
    const RowChunk& chunk;
    const HiddenRows<T>& hidden;
    const T* weight;  // from the chunk's first row on
  };

  /// The penalty of the rows. With a gradient, its derivatives by z go to `by_z`, and those by the
  /// encoder's weights to `gradients`, in the layout of the weights: written by the first chunk of
  /// a batch, added to by the others.
  void run(Team& team, const PanelWeights<T>& weights, const Rows& rows, T* gradients);

  /// Of the rows of the last run.
  MatrixPanels<const T> by_z(index_t layer) const {
    return by_z_[static_cast<std::size_t>(layer)].from_row(0);
  }
  /// Of all rows since the batch began.
  double value() const { return value_; }

 private:
  struct Part {  // rows whose matrices are in scratch together
    index_t first, n;
  };
  struct Task {  // a panel of a layer's weights
    index_t layer, panel;
  };
  struct Curvature {  // f''/f' = at_zero + by_h h; whatever it is where f' is 0
    T at_zero, by_h;
  };
  Curvature curvature(index_t layer) const;
  void one_layer(const PanelWeights<T>& weights, const Rows& rows, index_t panel, T* gradients);
  void deep(Team& team, const PanelWeights<T>& weights, const Rows& rows, T* gradients);
  void multiply_slopes(const PanelWeights<T>& weights, const Rows& rows, const Part& part,
                       index_t begin, index_t end);
  void value_of_rows(const Rows& rows, const Part& part, index_t begin, index_t end);
  void go_back(const PanelWeights<T>& weights, const Rows& rows, const Part& part, index_t begin,
               index_t end);
  void add_weight_gradient(const PanelWeights<T>& weights, const Task& task, const Part& part,
                           bool accumulate, T* gradients);

  const Network& network_;
  const ObjectiveOptions& options_;
  const index_t n_layers_, n_code_;  // of the encoder
  const bool with_gradient_;
  index_t part_rows_ = 0;
  index_t first_panels_;  // of the first layer: as many of the tasks, the first ones
  std::vector<Task> tasks_;
  std::vector<double> values_;        // by panel with one layer, otherwise by row of a part
  std::vector<PanelMatrix<T>> by_z_;  // by layer of the encoder
  // With several layers. B_l, and G_l that becomes D_{l+1}: n_code rows for each row of a part.
  std::vector<PanelMatrix<T>> b_, g_;
  PanelMatrix<T> d_0_, m_, sum_;  // sum_: D_0^T B_0 over rows
  double value_ = 0;
};

}  // namespace aecore
