#include "nn/weights/weights.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "kernels/dispatch.hpp"

namespace aecore {

template <class T>
PanelLayout<T>::PanelLayout(const Network& network) {
  const index_t width = kernels<T>().panel_width;
  for (index_t l = 0; l < network.n_products(); ++l) {
    const Layer& layer = layers_.emplace_back(network.layer(l));
    const index_t stride = layer.tied() ? 0 : layer.weight_rows() * width;
    const index_t bias = size_ + checked_mul(ceil_div(layer.weight_columns(), width), stride);
    places_.push_back({size_, bias, stride});
    size_ = bias + round_up(layer.n_bias(), width);
  }
}

template <class T>
void PanelLayout<T>::to_panels(index_t layer, const T* parameters, T* panels) const {
  const Kernels<T>& k = kernels<T>();
  const Layer& l = layers_[static_cast<std::size_t>(layer)];
  if (!l.tied()) {
    k.pack(parameters + l.weights, l.weight_rows(), l.weight_columns(), 0,
           ceil_div(l.weight_columns(), k.panel_width), panels + weights(layer));
  }
  k.pack(parameters + l.bias, 1, l.n_bias(), 0, ceil_div(l.n_bias(), k.panel_width),
         panels + bias(layer));
}

template <class T>
void PanelLayout<T>::from_panels(index_t layer, const T* panels, T* parameters) const {
  const Kernels<T>& k = kernels<T>();
  const Layer& l = layers_[static_cast<std::size_t>(layer)];
  if (!l.tied()) {
    k.unpack(panels + weights(layer), stride(layer), l.weight_rows(), l.weight_columns(),
             parameters + l.weights, l.weight_columns());
  }
  k.unpack(panels + bias(layer), k.panel_width, 1, l.n_bias(), parameters + l.bias, l.n_bias());
}

template <class T>
PanelWeights<T>::PanelWeights(const Network& network, bool with_transposed)
    : network_(network), layout_(network), panels_(layout_.size()) {
  const index_t width = kernels<T>().panel_width;
  for (index_t l = 0; l < network.n_products(); ++l) {
    const Layer& layer = network.layer(l);
    convolved_.emplace_back();
    if (layer.convolves()) {
      transposed_.emplace_back();
      convolved_.back() = std::make_unique<ConvolvedWeights<T>>(layer, with_transposed && l > 0);
    } else if (!layer.tied() && ((with_transposed && network.place(l) > 0) || network.tied())) {
      transposed_.emplace_back(checked_mul(ceil_div(layer.n_in, width), layer.n_out * width));
    } else {
      transposed_.emplace_back();
    }
  }
}

template <class T>
PanelOperand<T> PanelWeights<T>::product(index_t layer) const {
  if (convolved(layer) != nullptr) return convolved(layer)->forward();
  const index_t from = network_.layer(layer).tied_to;
  return from >= 0 ? transposed_operand(from) : own_operand(layer);
}

template <class T>
PanelOperand<T> PanelWeights<T>::way_back(index_t layer) const {
  if (convolved(layer) != nullptr) return convolved(layer)->way_back();
  const index_t from = network_.layer(layer).tied_to;
  return from >= 0 ? own_operand(from) : transposed_operand(layer);
}

template <class T>
const T* PanelWeights<T>::bias(index_t layer) const {
  return convolved(layer) != nullptr ? convolved(layer)->bias()
                                     : panels_.data() + layout_.bias(layer);
}

template <class T>
PanelOperand<T> PanelWeights<T>::own_operand(index_t layer) const {
  return {panels_.data() + layout_.weights(layer), layout_.stride(layer), nullptr};
}

template <class T>
PanelOperand<T> PanelWeights<T>::transposed_operand(index_t layer) const {
  return {transposed_[static_cast<std::size_t>(layer)].data(), transposed_stride(layer), nullptr};
}

template <class T>
index_t PanelWeights<T>::transposed_stride(index_t layer) const {
  return network_.layer(layer).n_out * kernels<T>().panel_width;
}

template <class T>
void PanelWeights<T>::load(index_t layer, const T* parameters) {
  layout_.to_panels(layer, parameters, panels_.data());
  if (T* const w_t = transposed(layer)) {
    const Layer& l = network_.layer(layer);
    kernels<T>().pack_transposed(parameters + l.weights, l.n_in, l.n_out, 0,
                                 ceil_div(l.n_in, kernels<T>().panel_width), w_t);
  }
  follow(layer);
}

template <class T>
void PanelWeights<T>::follow(index_t layer) {
  if (convolved(layer) == nullptr) return;
  convolved(layer)->follow(panels_.data() + layout_.weights(layer),
                           panels_.data() + layout_.bias(layer));
}

template class PanelLayout<float>;
template class PanelLayout<double>;
template class PanelWeights<float>;
template class PanelWeights<double>;

}  // namespace aecore
