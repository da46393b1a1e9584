// All parameters of a network in panels, as the kernels use them: W and b of every layer in one
// flat buffer (the moments of an optimiser share its layout), and beside it what is made of them:
// W^T for the way back, and the B of layers that convolve.
#pragma once

#include <memory>
#include <vector>

#include "nn/weights/convolution.hpp"

namespace aecore {

/// Where each layer lies in a flat buffer of panels.
template <class T>
class PanelLayout {
 public:
  explicit PanelLayout(const Network& network);
  index_t size() const { return size_; }
  index_t weights(index_t layer) const { return at(layer).weights; }  // panels of W
  index_t bias(index_t layer) const { return at(layer).bias; }        // one row, padded
  index_t stride(index_t layer) const { return at(layer).stride; }    // between panels of W

  /// One layer from the row-major parameter vector, and back.
  void to_panels(index_t layer, const T* parameters, T* panels) const;
  void from_panels(index_t layer, const T* panels, T* parameters) const;

 private:
  struct Place {
    index_t weights, bias, stride;
  };
  const Place& at(index_t layer) const { return places_[static_cast<std::size_t>(layer)]; }
  std::vector<Layer> layers_;
  std::vector<Place> places_;
  index_t size_ = 0;
};

template <class T>
class PanelWeights {
 public:
  /// `with_transposed`: gradients will be taken, or outputs of observed entries alone.
  PanelWeights(const Network& network, bool with_transposed);

  const PanelLayout<T>& layout() const { return layout_; }
  T* data() { return panels_.data(); }
  /// What rows are multiplied by: W on the way forward, W^T on the way back. Tied layers take them
  /// from each other; a layer that convolves makes both of its W.
  PanelOperand<T> product(index_t layer) const;
  PanelOperand<T> way_back(index_t layer) const;
  /// The bias of every unit.
  const T* bias(index_t layer) const;
  /// W^T of a layer's own W; null where it convolves, and for the first unless its decoder is tied
  /// to it: nothing goes back through it.
  T* transposed(index_t layer) { return transposed_[static_cast<std::size_t>(layer)].data(); }
  index_t transposed_stride(index_t layer) const;

  /// Takes one layer from the row-major parameters.
  void load(index_t layer, const T* parameters);
  /// To be called after an update of the panels: a layer that convolves makes its products of W
  /// anew. W^T needs no call, updates write it tile by tile.
  void follow(index_t layer);

 private:
  ConvolvedWeights<T>* convolved(index_t layer) const {
    return convolved_[static_cast<std::size_t>(layer)].get();
  }
  PanelOperand<T> own_operand(index_t layer) const;
  PanelOperand<T> transposed_operand(index_t layer) const;

  const Network& network_;
  PanelLayout<T> layout_;
  AlignedBuffer<T> panels_;
  std::vector<AlignedBuffer<T>> transposed_;
  std::vector<std::unique_ptr<ConvolvedWeights<T>>> convolved_;  // null where layers do not
};

}  // namespace aecore
