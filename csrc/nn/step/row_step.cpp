#include "nn/step/row_step.hpp"

#include <algorithm>

#include "kernels/dispatch.hpp"
#include "nn/data/targets.hpp"

namespace aecore {

template <class T>
RowStep<T>::RowStep(const Network& network, const ObjectiveOptions& options)
    : network_(network), options_(options) {
  const auto& sizes = network.layer_sizes();
  const index_t panel = kernels<T>().panel_width;
  width_ = round_up(*std::max_element(sizes.begin(), sizes.end()), panel);
  rows_ = AlignedBuffer<T>(checked_mul(width_, network.n_layers() + 1));
  slopes_ = AlignedBuffer<T>(checked_mul(width_, network.n_layers()));
  target_ = AlignedBuffer<T>(width_);
  delta_ = AlignedBuffer<T>(width_);
  below_ = AlignedBuffer<T>(width_);
  partial_loss_ = AlignedBuffer<T>(panel);
  nonzero_ = AlignedBuffer<std::int32_t>(network.n_in() + kNonzeroRoom);
  rows_.zero();
  below_.zero();
}

template <class T>
double RowStep<T>::run(PanelWeights<T>& weights, const RowSource& x, const RowSource* target,
                       index_t row, double weight, double learning_rate) {
  const bool unit = options_.loss == Loss::binary_cross_entropy;
  const bool counts = is_of_counts(options_.loss);
  const index_t panel = kernels<T>().panel_width;
  const RowRange range{nullptr, row, 1, 0};
  // A single row in panels with the stride of one row is the plain row.
  gather_rows<T>(x, range, options_.input, unit && target == nullptr, row_of(0), panel);
  if (target != nullptr) gather_rows<T>(*target, range, {}, unit, target_.data(), panel);
  if (counts) {
    require_not_negative<T>(target != nullptr ? *target : x, range,
                            {target != nullptr ? target_.data() : row_of(0), panel, panel});
  }
  forward(weights);
  const double data_loss =
      loss(weights, target != nullptr ? target_.data() : row_of(0), weight > 0 ? T{1} : T{0});
  const double squares = backward(weights, learning_rate);
  return (weight > 0 ? data_loss : 0.0) + 0.5 * options_.weight_decay * squares;
}

template <class T>
void RowStep<T>::forward(const PanelWeights<T>& weights) {
  const Kernels<T>& k = kernels<T>();
  const index_t panel = k.panel_width;
  for (index_t l = 0; l < network_.n_layers(); ++l) {
    const Layer& layer = network_.layer(l);
    const T* const in = row_of(l);
    T* const out = row_of(l + 1);
    const PanelOperand<T> w = weights.product(l);
    if (l == 0) n_nonzero_ = k.find_nonzero(in, layer.n_in, nonzero_.data());
    if (l == 0 && kSkipZerosFrom * n_nonzero_ < layer.n_in) {
      k.sparse_row_times_matrix({in, nonzero_.data(), n_nonzero_}, w.data, panel, w.stride,
                                layer.n_out, out);
    } else {
      for (index_t column = 0; column < layer.n_out; column += panel) {
        k.row_times_matrix(in, layer.n_in, w.data + column / panel * w.stride, panel, out + column);
      }
    }
    if (l + 1 == network_.n_layers()) return;  // the loss finishes the last layer
    BiasActivation<T> context{weights.bias(l), layer.activation, nullptr};
    if (slope_needs_z(layer.activation)) {
      context.slope = slopes_.data() + l * width_;
      context.slope_stride = panel;
    }
    for (index_t column = 0; column < layer.n_out; column += panel) {
      k.bias_activation(&context, out + column, 0, 1, column,
                        std::min(panel, layer.n_out - column));
    }
  }
}

template <class T>
double RowStep<T>::loss(const PanelWeights<T>& weights, const T* target, T weight) {
  const Kernels<T>& k = kernels<T>();
  const index_t last = network_.n_layers() - 1;
  double sum = 0;
  OutputLoss<T> context{};
  context.output = {weights.bias(last), network_.layer(last).activation, nullptr};
  context.loss = options_.loss;
  context.target = target;
  context.target_row = context.target_stride = k.panel_width;
  context.n_columns = network_.n_out();
  context.row_weight = &weight;
  context.row_loss = &sum;
  context.partial = partial_loss_.data();
  T* const z = row_of(last + 1);
  if (options_.loss == Loss::multinomial) {
    context.output.activation = Activation::identity;
    for (index_t column = 0; column < network_.n_out(); column += k.panel_width) {
      k.bias_activation(&context.output, z + column, 0, 1, column,
                        std::min(k.panel_width, network_.n_out() - column));
    }
    k.multinomial_loss(context, z, k.panel_width, 0, 1);
    std::copy(z, z + round_up(network_.n_out(), k.panel_width), delta_.data());
    return sum;
  }
  for (index_t column = 0; column < network_.n_out(); column += k.panel_width) {
    k.output_loss(&context, z + column, 0, 1, column,
                  std::min(k.panel_width, network_.n_out() - column));
  }
  std::copy(z, z + round_up(network_.n_out(), k.panel_width), delta_.data());
  return sum;
}

template <class T>
double RowStep<T>::backward(PanelWeights<T>& weights, double learning_rate) {
  const Kernels<T>& k = kernels<T>();
  const index_t panel = k.panel_width;
  const PanelLayout<T>& layout = weights.layout();
  double squares = 0;
  for (index_t l = network_.n_layers() - 1; l >= 0; --l) {
    const Layer& layer = network_.layer(l);
    RowUpdate<T> update{};
    update.weights = weights.data() + layout.weights(l);
    update.stride = layout.stride(l);
    update.n_rows = layer.n_in;
    update.n_columns = layer.n_out;
    update.x = row_of(l);
    update.delta = delta_.data();
    if (l == 0 && options_.weight_decay <= 0) {
      update.nonzero = nonzero_.data();
      update.n_nonzero = n_nonzero_;
    }
    update.x_delta = l > 0 ? below_.data() : nullptr;
    update.rate = static_cast<T>(-learning_rate);
    update.keep = static_cast<T>(1 - learning_rate * options_.weight_decay);
    update.squares = options_.weight_decay > 0 ? &squares : nullptr;
    k.row_update(update);
    T* const bias = weights.data() + layout.bias(l);
    for (index_t j = 0; j < layer.n_out; ++j) bias[j] += update.rate * delta_[j];
    if (l == 0) break;
    ActivationBackward<T> context{};
    const T one{1};
    context.activation = network_.layer(l - 1).activation;
    context.is_slope = slope_needs_z(context.activation);
    context.activations = context.is_slope ? slopes_.data() + (l - 1) * width_ : row_of(l);
    context.activations_stride = panel;
    context.row_weight = &one;
    for (index_t column = 0; column < layer.n_in; column += panel) {
      k.activation_backward(&context, below_.data() + column, 0, 1, column,
                            std::min(panel, layer.n_in - column));
    }
    std::copy(below_.data(), below_.data() + round_up(layer.n_in, panel), delta_.data());
  }
  return squares;
}

template class RowStep<float>;
template class RowStep<double>;

}  // namespace aecore
