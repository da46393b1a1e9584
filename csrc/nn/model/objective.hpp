// The objective J (Ng, CS294A / UFLDL notes), its three parts, and the sparsity term:
//
//   J = sum_i w_i loss(x_hat_i, x_i) + lambda/2 sum_l ||W_l||^2 + beta sum_j KL(rho || rho_hat_j)
//   rho_hat_j = sum_i w_i a_j(x_i),   KL(p || q) = p log(p/q) + (1 - p) log((1 - p)/(1 - q))
//
//     + mu sum_l |W_l| + alpha sum_i w_i |h_code(x_i)| + gamma sum_i w_i ||dh_code/dh_0 (x_i)||^2
//
//     + beta sum_i w_i KL(q(z | x_i) || N(0, I)) of a Gaussian code: nn/terms/gaussian_code.hpp
//
//     + clustering_weight sum_i w_i KL(p_i || q_i) of a code with clusters: nn/terms/clustering.hpp
//
// with w_i = 1/m, or the sample weights divided by their sum; 0 in the rows that are trimmed, whose
// share the others have (nn/terms/trimming.hpp).
#pragma once

#include <vector>

#include "nn/model/input.hpp"
#include "nn/model/network.hpp"

namespace aecore {

struct ObjectiveOptions {
  Loss loss = Loss::squared_error;
  double weight_decay = 0.0;             // lambda >= 0; biases are not decayed
  double sparsity_weight = 0.0;          // beta >= 0
  double sparsity_target = 0.05;         // rho in (0, 1)
  std::vector<index_t> sparsity_layers;  // indices of layer outputs, ascending
  double sparsity_momentum = 0.0;        // in [0, 1): part of rho_hat from earlier batches
  double weight_l1 = 0.0;                // mu >= 0
  double activity_l1 = 0.0;              // alpha >= 0, on the code
  double contractive_weight = 0.0;       // gamma >= 0, on the encoder's Jacobian
  bool draws_code = true;                // a Gaussian code is drawn, and J has its divergence
  double beta = 1.0;                     // >= 0, on the divergence
  double free_bits = 0.0;                // >= 0, nats: the least that a unit counts with in a row
  double clustering_weight = 1.0;        // >= 0, on the divergence of clusters of the code
  index_t code_layer = -1;               // index of the layer output; -1 where nothing needs it
  InputOptions input;
  NoiseOptions noise;
  bool observed_only = false;  // of a sparse target: what is not there is left out of the loss
  double trim_fraction = 0.0;  // in [0, 1): rows of the largest losses that have no weight
  double dropout = 0.0;        // in [0, 1): probability that a hidden unit is left out
  std::uint64_t seed = 0;      // of noise, dropout and a Gaussian code
  double warm_up = 1;          // of the epoch at hand in training: factor on beta

  static constexpr auto fields() {
    using O = ObjectiveOptions;
    return std::make_tuple(
        field("loss", &O::loss), penalty("weight_decay", &O::weight_decay, kNotNegative),
        penalty("sparsity_weight", &O::sparsity_weight, kNotNegative),
        field("sparsity_target", &O::sparsity_target, kBetweenZeroAndOne),
        field("sparsity_layers", &O::sparsity_layers),
        field("sparsity_momentum", &O::sparsity_momentum, kShare),
        penalty("weight_l1", &O::weight_l1, kNotNegative),
        code_penalty("activity_l1", &O::activity_l1, kNotNegative),
        code_penalty("contractive_weight", &O::contractive_weight, kNotNegative),
        field("draws_code", &O::draws_code), field("beta", &O::beta, kNotNegative),
        field("free_bits", &O::free_bits, kNotNegative),
        field("clustering_weight", &O::clustering_weight, kNotNegative),
        field("code_layer", &O::code_layer), field("input", &O::input), penalty("noise", &O::noise),
        field("observed_only", &O::observed_only),
        penalty("trim_fraction", &O::trim_fraction, kShare),
        penalty("dropout", &O::dropout, kShare), field("seed", &O::seed),
        field("warm_up", &O::warm_up, kNotNegative));
  }
  bool operator==(const ObjectiveOptions& other) const { return same_fields(*this, other); }
  /// Whether features have weights of their own in the loss.
  bool weighs_features() const { return input.mask_missing || noise.weighs(); }
  /// Whether the input differs from the clean rows that the loss compares with.
  bool changes_input() const { return input.changes() || noise.kind != Noise::none; }
  bool trims() const { return trim_fraction > 0; }
  bool sparse() const { return sparsity_weight > 0 && !sparsity_layers.empty(); }
  /// The last layer with a sparsity term; -1: none.
  index_t last_sparse() const { return sparse() ? sparsity_layers.back() : -1; }
  /// Layers that the contractive penalty is of, if J has it: the encoder's.
  index_t n_contracted() const { return contractive_weight > 0 ? code_layer + 1 : 0; }
};

/// The data term of the options alone: a row is judged without what `fields` calls a penalty, noise
/// and dropout among them, and at the mean of a Gaussian code.
ObjectiveOptions without_penalties(const ObjectiveOptions& options);
/// The same for held-out rows, but with the draws of a Gaussian code and their divergence.
ObjectiveOptions held_out(const ObjectiveOptions& options);

/// The terms of J, in the order in which they are added.
struct ObjectiveParts {
  double data = 0, weight_decay = 0, sparsity = 0, weight_l1 = 0, activity_l1 = 0, contractive = 0;
  double divergence = 0, clustering = 0;

  static constexpr auto fields() {
    using O = ObjectiveParts;
    return std::make_tuple(
        field("data", &O::data), field("weight_decay", &O::weight_decay),
        field("sparsity", &O::sparsity), field("weight_l1", &O::weight_l1),
        field("activity_l1", &O::activity_l1), field("contractive", &O::contractive),
        field("divergence", &O::divergence), field("clustering", &O::clustering));
  }
  double total() const {
    double sum = 0;
    for_each_field<ObjectiveParts>([&](const auto& each) { sum += this->*each.member; });
    return sum;
  }
};

/// Throws where a number is out of its range or the options do not fit the network, KL on relu for
/// one.
void check_objective(const ObjectiveOptions& options, const Network& network);

/// Throws where columns are scaled one by one, but not each of `n_columns`.
void check_columns_scaled(const InputOptions& input, index_t n_columns);

/// rho_hat of a unit's mean activation: that of a tanh unit is mapped from (-1, 1) to (0, 1).
double rho_hat_of_mean(Activation activation, double mean_activation);

/// beta KL(rho || rho_hat) of one unit and its derivative by the unit's mean activation. rho_hat is
/// clipped to [1e-6, 1 - 1e-6] and the slope taken there, so that a dead unit is pulled back.
struct SparsityTerm {
  double value, slope;
};
SparsityTerm sparsity_term(const ObjectiveOptions& options, Activation activation, double rho_hat);

}  // namespace aecore
