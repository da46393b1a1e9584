#include "nn/serve/row_forward.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/dispatch.hpp"

namespace aecore {

template <class T>
void RowForward<T>::reserve(const Network& network, index_t first, index_t last) {
  const auto& sizes = network.layer_sizes();
  const auto begin = sizes.begin();
  width_ = round_up(*std::max_element(begin + first, begin + last + 1), kernels<T>().panel_width);
  rows_.reserve(2 * width_);
  nonzero_.reserve(*(begin + first) + kNonzeroRoom);
  for (index_t l = first; l < last; ++l) {
    const Layer& layer = network.layer(l);
    if (layer.tied()) panel_.reserve(checked_mul(layer.n_in, kernels<T>().panel_width));
    if (layer.top_k > 0) top_k_.reserve(layer.n_out);
  }
}

/// out = x W. A digit has 19 % of its pixels set: where most of x is zero, those rows of W are not
/// read. They would add nothing, so the bits are the same.
template <class T>
void RowForward<T>::multiply(const T* x, const Layer& layer, const T* weights, bool may_skip,
                             T* out) {
  const Kernels<T>& k = kernels<T>();
  if (may_skip) {
    const index_t n = k.find_nonzero(x, layer.n_in, nonzero_.data());
    if (n * kSkipZerosFrom < layer.n_in) {
      k.sparse_row_times_matrix({x, nonzero_.data(), n}, weights, layer.n_out, k.panel_width,
                                layer.n_out, out);
      return;
    }
  }
  k.row_times_matrix(x, layer.n_in, weights, layer.n_out, out);
}

/// out = x W^T, a panel of W^T at a time: the order of the sums, and so the bits, are those of a
/// product with W^T.
template <class T>
void RowForward<T>::multiply_tied(const T* x, const Layer& layer, const T* weights, T* out) {
  const Kernels<T>& k = kernels<T>();
  for (index_t column = 0; column < layer.n_out; column += k.panel_width) {
    const index_t panel = column / k.panel_width;
    k.pack_transposed(weights, layer.n_out, layer.n_in, panel, panel + 1, panel_.data());
    k.row_times_matrix(x, layer.n_in, panel_.data(), k.panel_width, out + column);
  }
}

template <class T>
bool RowForward<T>::run(const Network& network, const T* parameters, index_t first, index_t last,
                        const T* x, T* out) {
  const Kernels<T>& k = kernels<T>();
  const T* in = x;
  T* to = rows_.data();
  bool not_finite = false;
  for (index_t l = first; l < last; ++l) {
    const Layer& layer = network.layer(l);
    if (layer.tied()) {
      multiply_tied(in, layer, parameters + layer.weights, to);
    } else {
      multiply(in, layer, parameters + layer.weights, l == first, to);
    }
    const BiasActivation<T> context{parameters + layer.bias, layer.activation,
                                    l == first ? &not_finite : nullptr};
    for (index_t column = 0; column < layer.n_out; column += k.panel_width) {
      k.bias_activation(&context, to + column, 0, 1, column,
                        std::min(k.panel_width, layer.n_out - column));
    }
    if (layer.top_k > 0) {
      top_k_.keep({to, k.panel_width, k.panel_width}, {}, 1, layer.n_out, layer.top_k);
    }
    if (layer.activation == Activation::softmax) k.softmax(to, k.panel_width, 1, layer.n_out);
    in = to;
    to = in == rows_.data() ? rows_.data() + width_ : rows_.data();
  }
  const index_t n_in = network.layer(first).n_in;
  if (not_finite && !std::all_of(x, x + n_in, [](T v) { return std::isfinite(v); })) return false;
  std::copy(in, in + network.layer(last - 1).n_out, out);
  return true;
}

template class RowForward<float>;
template class RowForward<double>;

}  // namespace aecore
