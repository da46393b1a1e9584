#include "nn/weights.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "kernels/dispatch.hpp"

namespace aecore {

template <class T>
PanelLayout<T>::PanelLayout(const Network& network) {
  const index_t width = kernels<T>().panel_width;
  for (index_t l = 0; l < network.n_products(); ++l) {
    const Layer& layer = layers_.emplace_back(network.layer(l));
    const index_t panels = ceil_div(layer.n_out, width);
    const index_t stride = layer.tied() ? 0 : layer.n_in * width;
    const index_t bias = size_ + checked_mul(panels, stride);
    places_.push_back({size_, bias, stride});
    size_ = bias + panels * width;
  }
}

template <class T>
void PanelLayout<T>::to_panels(index_t layer, const T* parameters, T* panels) const {
  const Kernels<T>& k = kernels<T>();
  const Layer& l = layers_[static_cast<std::size_t>(layer)];
  const index_t n_panels = ceil_div(l.n_out, k.panel_width);
  if (!l.tied()) {
    k.pack(parameters + l.weights, l.n_in, l.n_out, 0, n_panels, panels + weights(layer));
  }
  k.pack(parameters + l.bias, 1, l.n_out, 0, n_panels, panels + bias(layer));
}

template <class T>
void PanelLayout<T>::from_panels(index_t layer, const T* panels, T* parameters) const {
  const Kernels<T>& k = kernels<T>();
  const Layer& l = layers_[static_cast<std::size_t>(layer)];
  if (!l.tied()) {
    k.unpack(panels + weights(layer), stride(layer), l.n_in, l.n_out, parameters + l.weights,
             l.n_out);
  }
  k.unpack(panels + bias(layer), k.panel_width, 1, l.n_out, parameters + l.bias, l.n_out);
}

template <class T>
PanelWeights<T>::PanelWeights(const Network& network, bool with_transposed)
    : network_(network), layout_(network), panels_(layout_.size()) {
  const index_t width = kernels<T>().panel_width;
  for (index_t l = 0; l < network.n_products(); ++l) {
    const Layer& layer = network.layer(l);
    if (!layer.tied() && ((with_transposed && network.place(l) > 0) || network.tied())) {
      transposed_.emplace_back(checked_mul(ceil_div(layer.n_in, width), layer.n_out * width));
    } else {
      transposed_.emplace_back();
    }
  }
}

template <class T>
PanelOperand<T> PanelWeights<T>::product(index_t layer) const {
  const index_t from = network_.layer(layer).tied_to;
  return from >= 0 ? transposed_operand(from) : own_operand(layer);
}

template <class T>
PanelOperand<T> PanelWeights<T>::way_back(index_t layer) const {
  const index_t from = network_.layer(layer).tied_to;
  return from >= 0 ? own_operand(from) : transposed_operand(layer);
}

template <class T>
PanelOperand<T> PanelWeights<T>::own_operand(index_t layer) const {
  return {panels_.data() + layout_.weights(layer), layout_.stride(layer)};
}

template <class T>
PanelOperand<T> PanelWeights<T>::transposed_operand(index_t layer) const {
  return {transposed_[static_cast<std::size_t>(layer)].data(), transposed_stride(layer)};
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
}

template class PanelLayout<float>;
template class PanelLayout<double>;
template class PanelWeights<float>;
template class PanelWeights<double>;

}  // namespace aecore
