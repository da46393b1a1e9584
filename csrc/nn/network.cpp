#include "nn/network.hpp"

#include <algorithm>
#include <cmath>

#include "core/errors.hpp"
#include "core/random.hpp"

namespace aecore {

namespace {

void require_gaussian_alone(const CodeOptions& code, const std::vector<Activation>& activations) {
  if (!code.gaussian) return;
  AECORE_REQUIRE(code.code_layer >= 0 && code.code_layer < static_cast<index_t>(activations.size()),
                 "code_layer must be the Gaussian layer; got " + std::to_string(code.code_layer));
  AECORE_REQUIRE(activations[static_cast<std::size_t>(code.code_layer)] == Activation::identity,
                 "activations must have 'identity' for a Gaussian layer");
  AECORE_REQUIRE(!code.tied_weights, "tied_weights must be False with a Gaussian layer");
  AECORE_REQUIRE(code.top_k == 0, "code_top_k must be None with a Gaussian layer");
}

}  // namespace

Network::Network(std::vector<index_t> layer_sizes, std::vector<Activation> activations,
                 const CodeOptions& code)
    : layer_sizes_(std::move(layer_sizes)) {
  AECORE_REQUIRE(layer_sizes_.size() >= 2,
                 "layer_sizes must name at least the input and one layer; got " +
                     std::to_string(layer_sizes_.size()) + " sizes");
  AECORE_REQUIRE(activations.size() + 1 == layer_sizes_.size(),
                 "activations must have one name per layer (" +
                     std::to_string(layer_sizes_.size() - 1) + "); got " +
                     std::to_string(activations.size()));
  for (const index_t size : layer_sizes_) {
    AECORE_REQUIRE(size > 0, "layer_sizes must be positive; got " + std::to_string(size));
  }
  for (std::size_t i = 0; i + 1 < activations.size(); ++i) {
    AECORE_REQUIRE(activations[i] != Activation::softmax,
                   "activations must have 'softmax' for the last layer only; got it for layer " +
                       std::to_string(i));
  }
  AECORE_REQUIRE(
      !code.tied_weights ||
          (activations.size() % 2 == 0 &&
           std::equal(layer_sizes_.begin(), layer_sizes_.end(), layer_sizes_.rbegin())),
      "tied_weights must be False unless the decoder mirrors the encoder: layer_sizes that read "
      "the same backwards, with an even number of layers; got " +
          std::to_string(activations.size()) + " layers");
  require_gaussian_alone(code, activations);
  Layer log_variance{};
  for (std::size_t i = 0; i < activations.size(); ++i) {
    Layer layer{layer_sizes_[i], layer_sizes_[i + 1], activations[i], n_parameters_, 0, -1, 0, -1};
    if (static_cast<index_t>(i) == code.code_layer) layer.top_k = code.top_k;
    AECORE_REQUIRE(layer.top_k >= 0 && layer.top_k <= layer.n_out,
                   "code_top_k must be None or an integer from 1 to " +
                       std::to_string(layer.n_out) + ", the width of the code; got " +
                       std::to_string(layer.top_k));
    layer.bias = n_parameters_ + checked_mul(layer.n_in, layer.n_out);
    if (code.tied_weights && 2 * i >= activations.size()) {
      layer.tied_to = static_cast<index_t>(activations.size() - 1 - i);
      layer.weights = this->layer(layer.tied_to).weights;
      layer.bias = n_parameters_;
    }
    n_parameters_ = layer.bias + layer.n_out;
    if (code.gaussian && static_cast<index_t>(i) == code.code_layer) {
      gaussian_ = code.code_layer;
      log_variance = layer;
      log_variance.weights = n_parameters_;
      log_variance.bias = n_parameters_ + (layer.bias - layer.weights);
      n_parameters_ = log_variance.bias + layer.n_out;
      layer.log_variance = n_layers();
    }
    AECORE_REQUIRE(n_parameters_ > 0, "layer_sizes must leave the number of parameters below 2^63");
    layers_.push_back(layer);
  }
  if (gaussian_ >= 0) layers_.push_back(log_variance);
  checked_mul(n_parameters_, index_t{sizeof(double)});
}

bool Network::operator==(const Network& other) const {
  if (layer_sizes_ != other.layer_sizes_ || gaussian_ != other.gaussian_) return false;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer &mine = layers_[l], &others = other.layers_[l];
    if (mine.activation != others.activation || mine.tied_to != others.tied_to ||
        mine.top_k != others.top_k || mine.log_variance != others.log_variance) {
      return false;
    }
  }
  return true;
}

bool Network::plain() const {
  return std::all_of(layers_.begin(), layers_.end(), [](const Layer& layer) {
    return !layer.tied() && layer.top_k == 0 && !layer.gaussian();
  });
}

double Network::work(index_t first, index_t last) const {
  double sum = 0;
  for (index_t l = first; l < last; ++l) {
    sum += static_cast<double>(layer(l).n_in) * static_cast<double>(layer(l).n_out);
  }
  return sum;
}

template <class T>
void Network::initialize(T* parameters, std::uint64_t seed) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    RandomStream random(seed, Purpose::initialization, static_cast<std::uint32_t>(l));
    const double limit = std::sqrt(6.0 / static_cast<double>(layer.n_in + layer.n_out));
    const index_t end = layer.tied() ? layer.weights : layer.bias;
    for (index_t i = layer.weights; i < end; ++i) {
      parameters[i] = static_cast<T>(limit * (2.0 * random.uniform() - 1.0));
    }
    for (index_t i = 0; i < layer.n_out; ++i) parameters[layer.bias + i] = T{0};
  }
}

template void Network::initialize<float>(float*, std::uint64_t) const;
template void Network::initialize<double>(double*, std::uint64_t) const;

}  // namespace aecore
