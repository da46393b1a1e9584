// Where weight gradients go: into an optimiser's update, or to the caller who asked for them.
#pragma once

#include "nn/weights/weights.hpp"

namespace aecore {

/// What becomes of each tile of gradients. `update` holds the rates and the pointers of the flat
/// buffers; the pass moves them to the layer at hand.
template <class T>
struct WeightAction {
  Epilogue<T> epilogue = nullptr;
  WeightUpdate<T> update{};
  double clip_norm = 0;  // largest norm of the whole gradient, which is then held; 0: any
};

/// The action's update at a product's weights, and at its bias: one row of weights, without decay
/// of either kind.
template <class T>
WeightUpdate<T> update_of_weights(const WeightAction<T>& action, const Network& network,
                                  index_t product, PanelWeights<T>& weights);
template <class T>
WeightUpdate<T> update_of_bias(const WeightAction<T>& action, const Network& network,
                               index_t product, PanelWeights<T>& weights);

/// The action for gradients that are held, decay included, and have the norm `norm` together: it
/// scales them down to the largest norm allowed.
template <class T>
WeightAction<T> clipped(const WeightAction<T>& action, double norm);

}  // namespace aecore
