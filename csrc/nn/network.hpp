// The shape of a network: which layers, and where their weights lie in the flat parameter vector.
// It owns no numbers: parameters are passed to each call, so one Network serves any thread.
#pragma once

#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace aecore {

/// a = activation(x W + b) for rows x (m x n_in).
struct Layer {
  index_t n_in, n_out;
  Activation activation;
  index_t weights;  // offset of W (n_in x n_out, row-major) in the parameters
  index_t bias;     // offset of b (n_out), just behind W
};

class Network {
 public:
  /// At least two sizes, all positive, and one activation per layer; softmax for the last only.
  Network(std::vector<index_t> layer_sizes, std::vector<Activation> activations);

  /// The same sizes and activations.
  bool operator==(const Network& other) const;

  const std::vector<Layer>& layers() const { return layers_; }
  const Layer& layer(index_t i) const { return layers_[static_cast<std::size_t>(i)]; }
  index_t n_layers() const { return static_cast<index_t>(layers_.size()); }
  const std::vector<index_t>& layer_sizes() const { return layer_sizes_; }
  index_t n_in() const { return layer_sizes_.front(); }
  index_t n_out() const { return layer_sizes_.back(); }
  index_t n_parameters() const { return n_parameters_; }
  /// Multiply-adds of one row through layers [first, last).
  double work(index_t first, index_t last) const;

  /// Weights uniform in +-sqrt(6 / (n_in + n_out)) (Glorot & Bengio 2010), biases zero.
  template <class T>
  void initialize(T* parameters, std::uint64_t seed) const;

 private:
  std::vector<index_t> layer_sizes_;
  std::vector<Layer> layers_;
  index_t n_parameters_ = 0;
};

}  // namespace aecore
