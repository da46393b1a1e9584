// What becomes of weight gradients: an optimiser's update, or the place of a gradient that is asked
// for.
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

/// The action on gradients that are held with their decay, all of them of this norm: scaled down to
/// the norm allowed.
template <class T>
WeightAction<T> clipped(const WeightAction<T>& action, double norm);

}  // namespace aecore
