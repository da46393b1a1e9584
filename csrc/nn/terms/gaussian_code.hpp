// The Gaussian code of a batch: drawn from its two products on the way forward, its divergence from
// the prior, and what the way back needs.
//
//   z = mean + exp(v / 2) epsilon,   KL_j = (mean_j^2 + exp(v_j) - 1 - v_j) / 2
//   dJ/dmean = dJ/dz + w beta mean,  dJ/dv = dJ/dz exp(v / 2) epsilon / 2 + w beta (exp(v) - 1) / 2
//
// with v cut to [-20, 20], beyond which it has no slope, and no slope of KL_j below its free bits.
#pragma once

#include "nn/data/batch.hpp"
#include "nn/model/objective.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class GaussianCode {
 public:
  /// For up to `rows` in scratch at a time.
  GaussianCode(const Network& network, const ObjectiveOptions& options, index_t rows,
               bool with_gradient);

  /// Whether the layer's output is drawn here.
  bool draws(index_t layer) const { return layer == layer_; }
  /// Where the product of the log variance leaves its result, for `draw` to read and replace.
  PanelMatrix<T>& log_variance() { return log_variance_; }
  /// dJ/dlog_variance, once the way back has passed.
  MatrixPanels<const T> delta() const { return by_log_variance_.from_row(0); }

  /// `z` holds the means of a block's rows and gets their draws; z and `row_weight` begin with the
  /// first of these rows.
  void draw(const RowBlock& block, const MatrixPanels<T>& z, const T* row_weight);

  /// The epilogue of dJ/dz, which becomes dJ/dmean.
  GaussianBackward<T> backward();

  /// KL of each row of scratch, once it is drawn.
  const double* divergence() const { return divergence_.data(); }

 private:
  const ObjectiveOptions& options_;
  index_t layer_ = -1, n_units_ = 0;
  const bool with_gradient_;
  PanelMatrix<T> log_variance_, by_mean_, by_log_variance_;
  AlignedBuffer<double> divergence_;
};

}  // namespace aecore
