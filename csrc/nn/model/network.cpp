#include "nn/model/network.hpp"

#include <algorithm>
#include <cmath>

#include "core/errors.hpp"
#include "core/random.hpp"

namespace aecore {

namespace {

/// Columns and rows of W are counted in 32 bits where a layer convolves.
constexpr index_t kMaxImageSize = index_t{1} << 31;

std::string text_of(const ImageShape& shape) {
  return std::to_string(shape.height) + " x " + std::to_string(shape.width) + " x " +
         std::to_string(shape.channels);
}

void check_image(const ImageShape& shape, index_t size, std::size_t layer) {
  const bool positive = shape.height > 0 && shape.width > 0 && shape.channels > 0;
  AECORE_REQUIRE(positive && size < kMaxImageSize && shape.height <= size && shape.width <= size &&
                     shape.channels <= size &&
                     checked_mul(checked_mul(shape.height, shape.width), shape.channels) == size,
                 "convolutions must read and write images of the layer's sizes; got " +
                     text_of(shape) + " for " + std::to_string(size) + " numbers in layer " +
                     std::to_string(layer));
}

void check_convolution(const Convolution& c, index_t n_in, index_t n_out, std::size_t layer) {
  check_image(c.read(), n_in, layer);
  check_image(c.written(), n_out, layer);
  const std::array<index_t, 2> image{c.image.height, c.image.width};
  const std::array<index_t, 2> code{c.code.height, c.code.width};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const bool fits = c.kernel[axis] > 0 && c.kernel[axis] < kMaxImageSize && c.stride[axis] > 0 &&
                      c.padding[axis] >= 0 && c.padding[axis] < c.kernel[axis] &&
                      c.stride[axis] < kMaxImageSize &&
                      (code[axis] - 1) * c.stride[axis] - c.padding[axis] < image[axis];
    AECORE_REQUIRE(fits,
                   "convolutions must have windows that begin within the image, with kernel and "
                   "stride >= 1 and padding below the kernel; got kernel " +
                       std::to_string(c.kernel[axis]) + ", stride " +
                       std::to_string(c.stride[axis]) + ", padding " +
                       std::to_string(c.padding[axis]) + " for " + text_of(c.image) + " and " +
                       text_of(c.code) + " in layer " + std::to_string(layer));
  }
  checked_mul(checked_mul(checked_mul(c.kernel[0], c.kernel[1]), c.image.channels),
              c.code.channels);
}

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
                 const CodeOptions& code, std::vector<Convolution> convolutions)
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
  convolutions.resize(convolutions.empty() ? activations.size() : convolutions.size());
  AECORE_REQUIRE(convolutions.size() == activations.size(),
                 "convolutions must have one entry per layer (" +
                     std::to_string(activations.size()) + "); got " +
                     std::to_string(convolutions.size()));
  require_gaussian_alone(code, activations);
  Layer log_variance{};
  for (std::size_t i = 0; i < activations.size(); ++i) {
    add_layer(activations[i], code, convolutions[i]);
    if (!code.gaussian || static_cast<index_t>(i) != code.code_layer) continue;
    Layer& layer = layers_.back();
    AECORE_REQUIRE(!layer.convolves(), "convolutions must leave the Gaussian layer out; got one");
    gaussian_ = code.code_layer;
    log_variance = layer;
    log_variance.weights = n_parameters_;
    log_variance.bias = n_parameters_ + (layer.bias - layer.weights);
    n_parameters_ = log_variance.bias + layer.n_out;
    AECORE_REQUIRE(n_parameters_ > 0, "layer_sizes must leave the number of parameters below 2^63");
    layer.log_variance = static_cast<index_t>(activations.size());
  }
  if (gaussian_ >= 0) layers_.push_back(log_variance);
  if (code.n_clusters != 0) add_centers(code);
  AECORE_REQUIRE(!code.tied_weights || !convolves(0, n_layers()),
                 "tied_weights must be False where a layer convolves; got True");
  checked_mul(n_parameters_, index_t{sizeof(double)});
}

void Network::add_centers(const CodeOptions& code) {
  AECORE_REQUIRE(code.n_clusters > 0 && !code.gaussian,
                 "n_clusters must be positive and the code not Gaussian; got " +
                     std::to_string(code.n_clusters));
  AECORE_REQUIRE(code.code_layer >= 0 && code.code_layer < n_layers(),
                 "code_layer must be a layer where its output is clustered; got " +
                     std::to_string(code.code_layer));
  clusters_ = n_layers();
  clustered_ = code.code_layer;
  Layer layer{};
  layer.n_in = this->layer(clustered_).n_out;
  layer.n_out = code.n_clusters;
  layer.activation = Activation::identity;
  layer.weights = n_parameters_;
  layer.bias = n_parameters_ + checked_mul(layer.n_in, layer.n_out);
  layer.tied_to = layer.log_variance = -1;
  layer.centers = true;
  n_parameters_ = layer.bias;
  AECORE_REQUIRE(n_parameters_ > 0, "n_clusters must leave the number of parameters below 2^63");
  layers_.push_back(layer);
}

void Network::add_layer(Activation activation, const CodeOptions& code,
                        const Convolution& convolution) {
  const std::size_t i = layers_.size(), n_layers = layer_sizes_.size() - 1;
  Layer layer{layer_sizes_[i],
              layer_sizes_[i + 1],
              activation,
              n_parameters_,
              0,
              -1,
              0,
              -1,
              convolution,
              false};
  if (layer.convolves()) check_convolution(convolution, layer.n_in, layer.n_out, i);
  if (static_cast<index_t>(i) == code.code_layer) layer.top_k = code.top_k;
  AECORE_REQUIRE(layer.top_k >= 0 && layer.top_k <= layer.n_out,
                 "code_top_k must be None or an integer from 1 to " + std::to_string(layer.n_out) +
                     ", the width of the code; got " + std::to_string(layer.top_k));
  layer.bias = n_parameters_ + checked_mul(layer.weight_rows(), layer.weight_columns());
  if (code.tied_weights && 2 * i >= n_layers) {
    layer.tied_to = static_cast<index_t>(n_layers - 1 - i);
    layer.weights = this->layer(layer.tied_to).weights;
    layer.bias = n_parameters_;
  }
  n_parameters_ = layer.bias + layer.n_bias();
  AECORE_REQUIRE(n_parameters_ > 0, "layer_sizes must leave the number of parameters below 2^63");
  layers_.push_back(layer);
}

bool Network::operator==(const Network& other) const {
  if (layer_sizes_ != other.layer_sizes_ || gaussian_ != other.gaussian_ ||
      clustered_ != other.clustered_ || n_clusters() != other.n_clusters()) {
    return false;
  }
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer &mine = layers_[l], &others = other.layers_[l];
    if (mine.activation != others.activation || mine.tied_to != others.tied_to ||
        mine.top_k != others.top_k || mine.log_variance != others.log_variance ||
        !(mine.convolution == others.convolution)) {
      return false;
    }
  }
  return true;
}

bool Network::plain() const {
  return std::all_of(layers_.begin(), layers_.end(), [](const Layer& layer) {
    return !layer.tied() && layer.top_k == 0 && !layer.gaussian() && !layer.convolves() &&
           !layer.centers;
  });
}

bool Network::convolves(index_t first, index_t last) const {
  return std::any_of(layers_.begin() + first, layers_.begin() + last,
                     [](const Layer& layer) { return layer.convolves(); });
}

double Network::work(index_t first, index_t last) const {
  double sum = 0;
  for (index_t l = first; l < last; ++l) {
    const Layer& of = layer(l);
    const ImageShape& code = of.convolution.code;
    const index_t n_windows = of.convolves() ? code.height * code.width : 1;
    sum += static_cast<double>(n_windows) * static_cast<double>(of.weight_rows()) *
           static_cast<double>(of.weight_columns());
  }
  return sum;
}

template <class T>
void Network::initialize(T* parameters, std::uint64_t seed) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    RandomStream random(seed, Purpose::initialization, static_cast<std::uint32_t>(l));
    const Convolution& c = layer.convolution;
    const index_t fans = layer.convolves() ? c.taps() * (c.image.channels + c.code.channels)
                                           : layer.n_in + layer.n_out;
    const double limit = std::sqrt(6.0 / static_cast<double>(fans));
    const index_t end = layer.tied() ? layer.weights : layer.bias;
    for (index_t i = layer.weights; i < end; ++i) {
      parameters[i] = static_cast<T>(limit * (2.0 * random.uniform() - 1.0));
    }
    for (index_t i = 0; i < layer.n_bias(); ++i) parameters[layer.bias + i] = T{0};
  }
}

template void Network::initialize<float>(float*, std::uint64_t) const;
template void Network::initialize<double>(double*, std::uint64_t) const;

}  // namespace aecore
