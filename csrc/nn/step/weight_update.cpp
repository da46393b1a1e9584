#include "nn/step/weight_update.hpp"

#include <algorithm>

namespace aecore {

namespace {

// torch.nn.utils.clip_grad_norm_ divides by the norm plus this.
constexpr double kClipEpsilon = 1e-6;

/// `update` of parameters that begin at `offset` in panels, and at `flat` in the order of users.
template <class T>
WeightUpdate<T> update_from(WeightUpdate<T> update, T* panels, index_t offset, index_t flat) {
  update.weights = panels + offset;
  if (update.first_moment != nullptr) update.first_moment += offset;
  if (update.second_moment != nullptr) update.second_moment += offset;
  if (update.out != nullptr) update.out += flat;
  return update;
}

/// Takes decay of both kinds out of an update.
template <class T>
void leave_out_decay(WeightUpdate<T>& update) {
  update.weight_decay = update.weight_l1 = T{0};
  update.keep = T{1};
}

}  // namespace

template <class T>
WeightUpdate<T> update_of_weights(const WeightAction<T>& action, const Network& network,
                                  index_t product, PanelWeights<T>& weights) {
  const Layer& layer = network.layer(product);
  WeightUpdate<T> update =
      update_from(action.update, weights.data(), weights.layout().weights(product), layer.weights);
  update.stride = weights.layout().stride(product);
  update.n_rows = layer.weight_rows();
  update.n_columns = layer.weight_columns();
  if (layer.centers) leave_out_decay(update);
  update.transposed = weights.transposed(product);
  update.transposed_stride = weights.transposed_stride(product);
  return update;
}

template <class T>
WeightUpdate<T> update_of_bias(const WeightAction<T>& action, const Network& network,
                               index_t product, PanelWeights<T>& weights) {
  const Layer& layer = network.layer(product);
  WeightUpdate<T> update =
      update_from(action.update, weights.data(), weights.layout().bias(product), layer.bias);
  update.stride = kernels<T>().panel_width;
  update.n_rows = 1;
  update.n_columns = layer.n_bias();
  leave_out_decay(update);
  return update;
}

template <class T>
WeightAction<T> clipped(const WeightAction<T>& action, double norm) {
  WeightAction<T> result = action;
  const double scale = action.clip_norm / (norm + kClipEpsilon);
  result.update.gradient_scale = static_cast<T>(std::min(1.0, scale));
  result.update.weight_decay = result.update.weight_l1 = T{0};
  return result;
}

template WeightUpdate<float> update_of_weights<float>(const WeightAction<float>&, const Network&,
                                                      index_t, PanelWeights<float>&);
template WeightUpdate<float> update_of_bias<float>(const WeightAction<float>&, const Network&,
                                                   index_t, PanelWeights<float>&);
template WeightAction<float> clipped<float>(const WeightAction<float>&, double);
template WeightUpdate<double> update_of_weights<double>(const WeightAction<double>&, const Network&,
                                                        index_t, PanelWeights<double>&);
template WeightUpdate<double> update_of_bias<double>(const WeightAction<double>&, const Network&,
                                                     index_t, PanelWeights<double>&);
template WeightAction<double> clipped<double>(const WeightAction<double>&, double);

}  // namespace aecore
