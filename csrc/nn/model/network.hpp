// The shape of a network: which layers, and where their weights lie in the flat parameter vector.
// It owns no numbers: parameters are passed to each call, so one Network serves any thread.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace aecore {

/// Rows and columns of positions, each with its channels, which lie next to each other.
struct ImageShape {
  index_t height = 0, width = 0, channels = 0;

  index_t size() const { return height * width * channels; }
  bool operator==(const ImageShape& other) const {
    return height == other.height && width == other.width && channels == other.channels;
  }
};

/// Where the windows of a convolution lie: position (p, q) of the code sees the image from row
/// p stride - padding on, and so for columns. Its transpose reads the code and writes the image
/// (aecore.reference.conv2d and conv_transpose2d have the formulas).
struct Convolution {
  using Pair = std::array<index_t, 2>;  // along rows, along columns

  ImageShape image, code;
  Pair kernel{0, 0}, stride{1, 1}, padding{0, 0};  // padding: zeros before the image
  bool transposed = false;

  const ImageShape& read() const { return transposed ? code : image; }
  const ImageShape& written() const { return transposed ? image : code; }
  index_t taps() const { return kernel[0] * kernel[1]; }
  bool operator==(const Convolution& other) const {
    return image == other.image && code == other.code && kernel == other.kernel &&
           stride == other.stride && padding == other.padding && transposed == other.transposed;
  }
};

/// a = activation(x W + b) for rows x (m x n_in); a layer that convolves has one W for all windows
/// and one b for all positions.
struct Layer {
  index_t n_in, n_out;
  Activation activation;
  index_t weights;  // offset of W (weight_rows x weight_columns, row-major) in the parameters
  index_t bias;     // offset of b (n_bias), just behind W if that is the layer's own
  index_t tied_to;  // layer whose W^T serves as W, which then lies at `weights`; -1: its own
  index_t top_k;    // a row's units but the k largest become 0; 0: none do
  /// Of a Gaussian code, whose own product is the mean: the index of the one that makes the log
  /// variance of the same input, among the layers behind the last; -1: not Gaussian.
  index_t log_variance;

  Convolution convolution;  // if any
  bool centers = false;     // W's columns are the centres of clusters; there is no b

  bool tied() const { return tied_to >= 0; }
  bool convolves() const { return convolution.taps() > 0; }
  /// W has the rows (kernel row, kernel column, image channel) and the columns of the code's
  /// channels, whichever way the layer goes.
  index_t weight_rows() const {
    return convolves() ? convolution.taps() * convolution.image.channels : n_in;
  }
  index_t weight_columns() const { return convolves() ? convolution.code.channels : n_out; }
  index_t n_bias() const {
    if (centers) return 0;
    return convolves() ? convolution.written().channels : n_out;
  }
  bool gaussian() const { return log_variance >= 0; }
};

/// What makes an autoencoder of a network.
struct CodeOptions {
  bool tied_weights = false;  // decoder layer L-1-l has the transpose of encoder layer l's weights
  index_t code_layer = -1;    // index of the layer output that `top_k` is for
  index_t top_k = 0;          // units of the code that are kept in each row; 0: all
  bool gaussian = false;      // the code has a mean and a log variance
  index_t n_clusters = 0;     // of the code, whose centres are parameters; 0: none
};

class Network {
 public:
  /// At least two sizes, all positive, and one activation per layer; softmax for the last only.
  /// `convolutions`: one per layer, without taps for those that do not convolve; or none.
  Network(std::vector<index_t> layer_sizes, std::vector<Activation> activations,
          const CodeOptions& code = {}, std::vector<Convolution> convolutions = {});

  /// The same sizes, activations and options.
  bool operator==(const Network& other) const;

  /// Layer i, and from n_layers() on what has weights beside a layer: a log variance, or centres.
  const Layer& layer(index_t i) const { return layers_[static_cast<std::size_t>(i)]; }
  const Layer& output() const { return layer(n_layers() - 1); }
  /// Of the chain from input to output.
  index_t n_layers() const { return static_cast<index_t>(layer_sizes_.size()) - 1; }
  /// Of all that have weights.
  index_t n_products() const { return static_cast<index_t>(layers_.size()); }
  /// The layer whose input a product reads.
  index_t place(index_t product) const {
    if (product < n_layers()) return product;
    return product == clusters_ ? clustered_ + 1 : gaussian_;
  }
  /// Index of the Gaussian layer; -1: none.
  index_t gaussian() const { return gaussian_; }
  /// Index of the product that holds the centres of clusters; -1: none.
  index_t clusters() const { return clusters_; }
  index_t n_clusters() const { return clusters_ >= 0 ? layer(clusters_).n_out : 0; }
  /// Index of the layer whose output is clustered; -1: none.
  index_t clustered() const { return clustered_; }
  /// Whether the last layer's output is compared with a target: not where it is what is clustered.
  bool compares() const { return clustered_ != n_layers() - 1; }
  /// Layers before the one whose output is compared.
  index_t n_hidden() const { return n_layers() - (compares() ? 1 : 0); }
  const std::vector<index_t>& layer_sizes() const { return layer_sizes_; }
  index_t n_in() const { return layer_sizes_.front(); }
  index_t n_out() const { return layer_sizes_.back(); }
  index_t n_parameters() const { return n_parameters_; }
  /// Multiply-adds of one row through layers (or products) [first, last).
  double work(index_t first, index_t last) const;
  bool tied() const { return output().tied(); }
  /// Whether all that a layer does is one product with weights of its own and an activation.
  bool plain() const;
  /// Whether one of the layers [first, last) convolves.
  bool convolves(index_t first, index_t last) const;

  /// Weights uniform in +-sqrt(6 / (n_in + n_out)) (Glorot & Bengio 2010), biases zero; taps times
  /// channels stand for n_in and n_out where a layer convolves.
  template <class T>
  void initialize(T* parameters, std::uint64_t seed) const;

 private:
  void add_centers(const CodeOptions& code);
  void add_layer(Activation activation, const CodeOptions& code, const Convolution& convolution);

  std::vector<index_t> layer_sizes_;
  std::vector<Layer> layers_;
  index_t gaussian_ = -1, clusters_ = -1, clustered_ = -1;
  index_t n_parameters_ = 0;
};

}  // namespace aecore
