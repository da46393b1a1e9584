#include "nn/model/objective.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/errors.hpp"
#include "nn/model/names.hpp"

namespace aecore {

namespace {

constexpr double kRhoClip = 1e-6;

void require_number(bool condition, const char* rule, double value) {
  std::ostringstream text;
  text << rule << "; got " << value;
  AECORE_REQUIRE(condition, text.str());
}

void check_noise(const NoiseOptions& noise) {
  require_number(noise.emphasis >= 0 && std::isfinite(noise.emphasis),
                 "noise_emphasis must be a finite number >= 0", noise.emphasis);
  if (noise.kind == Noise::masking || noise.kind == Noise::salt_and_pepper) {
    require_number(noise.level >= 0 && noise.level <= 1,
                   "noise_level must be a probability in [0, 1]", noise.level);
  } else {
    require_number(noise.level >= 0 && std::isfinite(noise.level),
                   "noise_level must be a finite number >= 0", noise.level);
  }
}

void require_hidden_code(const std::string& name, const ObjectiveOptions& options,
                         const Network& network) {
  AECORE_REQUIRE(options.code_layer >= 0 && options.code_layer < network.n_layers() - 1,
                 name + " must be 0 unless the code is a hidden layer, 0 to " +
                     std::to_string(network.n_layers() - 2) + "; got code_layer " +
                     std::to_string(options.code_layer));
}

/// The slopes of the encoder need derivatives of their own.
void check_contraction(const ObjectiveOptions& options, const Network& network) {
  require_hidden_code("contractive_weight", options, network);
  AECORE_REQUIRE(!network.convolves(0, options.code_layer + 1),
                 "contractive_weight must be 0 where a layer of the encoder convolves; got " +
                     std::to_string(options.contractive_weight));
  for (index_t l = 0; l <= options.code_layer; ++l) {
    const Activation activation = network.layer(l).activation;
    AECORE_REQUIRE(
        activation == Activation::sigmoid || activation == Activation::tanh ||
            activation == Activation::relu || activation == Activation::identity,
        "contractive_weight must be 0 unless the encoder's activations are among sigmoid, tanh, "
        "relu, identity; got '" +
            to_string(activation) + "' in layer " + std::to_string(l));
  }
}

/// What is about a deterministic code.
void check_gaussian(const ObjectiveOptions& options, const Network& network) {
  const char* const rule = " must be 0 with a Gaussian code, which is drawn";
  require_number(options.sparsity_weight == 0, ("sparsity_weight" + std::string(rule)).c_str(),
                 options.sparsity_weight);
  require_number(options.activity_l1 == 0, ("activity_l1" + std::string(rule)).c_str(),
                 options.activity_l1);
  require_number(options.contractive_weight == 0,
                 ("contractive_weight" + std::string(rule)).c_str(), options.contractive_weight);
  require_number(!options.trims(), ("trim_fraction" + std::string(rule)).c_str(),
                 options.trim_fraction);
  AECORE_REQUIRE(!options.draws_code || network.gaussian() < network.n_layers() - 1,
                 "layers must go on after a Gaussian one where J is computed; it is the last");
}

}  // namespace

void check_input(const InputOptions& input, const Network& network) {
  require_number(std::isfinite(input.scale), "input_scale must be finite", input.scale);
  const auto n = static_cast<std::size_t>(network.n_in());
  AECORE_REQUIRE(input.offset.empty() || input.offset.size() == n,
                 "offset and factor must have one number for each of the " + std::to_string(n) +
                     " features; got " + std::to_string(input.offset.size()));
}

bool ObjectiveOptions::operator==(const ObjectiveOptions& other) const {
  return loss == other.loss && weight_decay == other.weight_decay &&
         sparsity_weight == other.sparsity_weight && sparsity_target == other.sparsity_target &&
         sparsity_layers == other.sparsity_layers && sparsity_momentum == other.sparsity_momentum &&
         weight_l1 == other.weight_l1 && activity_l1 == other.activity_l1 &&
         contractive_weight == other.contractive_weight && draws_code == other.draws_code &&
         beta == other.beta && free_bits == other.free_bits &&
         clustering_weight == other.clustering_weight && code_layer == other.code_layer &&
         input == other.input && noise == other.noise && dropout == other.dropout &&
         trim_fraction == other.trim_fraction && observed_only == other.observed_only &&
         seed == other.seed;
}

ObjectiveOptions without_penalties(const ObjectiveOptions& options) {
  ObjectiveOptions plain = options;
  plain.weight_decay = plain.weight_l1 = plain.activity_l1 = plain.sparsity_weight = 0;
  plain.contractive_weight = 0;
  plain.noise = {};
  plain.dropout = 0;
  plain.trim_fraction = 0;
  plain.draws_code = false;
  return plain;
}

ObjectiveOptions held_out(const ObjectiveOptions& options) {
  ObjectiveOptions held = without_penalties(options);
  held.draws_code = options.draws_code;
  return held;
}

void check_objective(const ObjectiveOptions& options, const Network& network) {
  require_number(options.weight_decay >= 0 && std::isfinite(options.weight_decay),
                 "weight_decay must be a finite number >= 0", options.weight_decay);
  require_number(options.sparsity_weight >= 0 && std::isfinite(options.sparsity_weight),
                 "sparsity_weight must be a finite number >= 0", options.sparsity_weight);
  require_number(options.weight_l1 >= 0 && std::isfinite(options.weight_l1),
                 "weight_l1 must be a finite number >= 0", options.weight_l1);
  require_number(options.activity_l1 >= 0 && std::isfinite(options.activity_l1),
                 "activity_l1 must be a finite number >= 0", options.activity_l1);
  require_number(options.sparsity_momentum >= 0 && options.sparsity_momentum < 1,
                 "sparsity_momentum must lie in [0, 1)", options.sparsity_momentum);
  require_number(options.dropout >= 0 && options.dropout < 1, "dropout must lie in [0, 1)",
                 options.dropout);
  require_number(options.trim_fraction >= 0 && options.trim_fraction < 1,
                 "trim_fraction must lie in [0, 1)", options.trim_fraction);
  require_number(options.contractive_weight >= 0 && std::isfinite(options.contractive_weight),
                 "contractive_weight must be a finite number >= 0", options.contractive_weight);
  require_number(options.beta >= 0 && std::isfinite(options.beta),
                 "beta must be a finite number >= 0", options.beta);
  require_number(options.free_bits >= 0 && std::isfinite(options.free_bits),
                 "free_bits must be a finite number >= 0", options.free_bits);
  require_number(options.clustering_weight >= 0 && std::isfinite(options.clustering_weight),
                 "clustering_weight must be a finite number >= 0", options.clustering_weight);
  if (network.gaussian() >= 0) check_gaussian(options, network);
  if (network.n_clusters() > 0) {
    AECORE_REQUIRE(!options.observed_only, "observed_only must be False with clusters of the code");
    require_number(!options.trims(), "trim_fraction must be 0 with clusters of the code",
                   options.trim_fraction);
    AECORE_REQUIRE(network.compares() || options.loss == Loss::squared_error,
                   "loss must be 'squared_error' where the network ends with its code and there is "
                   "none");
    require_number(network.compares() || options.dropout == 0,
                   "dropout must be 0 where the network ends with its code", options.dropout);
  }
  if (options.activity_l1 > 0) require_hidden_code("activity_l1", options, network);
  if (options.contractive_weight > 0) check_contraction(options, network);
  require_number(options.sparsity_target > 0 && options.sparsity_target < 1,
                 "sparsity_target must lie between 0 and 1, both excluded",
                 options.sparsity_target);
  check_input(options.input, network);
  check_noise(options.noise);
  const bool softmax = network.output().activation == Activation::softmax;
  AECORE_REQUIRE((options.loss == Loss::multinomial) == softmax,
                 "loss must be 'multinomial' exactly when the output's activation is 'softmax'; "
                 "got '" +
                     loss_names()[static_cast<std::size_t>(options.loss)] + "' with '" +
                     to_string(network.output().activation) + "'");
  AECORE_REQUIRE(!softmax || !options.weighs_features(),
                 "loss must weigh features one by one where missing is 'mask' or noise_emphasis is "
                 "not 1; got 'multinomial'");
  AECORE_REQUIRE(!options.observed_only || !(softmax || options.weighs_features()),
                 "observed_only must be False with loss 'multinomial' and where features have "
                 "weights already");
  AECORE_REQUIRE(
      !options.observed_only || !options.trims(),
      "trim_fraction must be 0 with observed_only; got " + std::to_string(options.trim_fraction));
  if (options.sparsity_weight <= 0) return;
  for (const index_t l : options.sparsity_layers) {
    AECORE_REQUIRE(l >= 0 && l < network.n_layers() - 1,
                   "sparsity_layers must index hidden layers (0 to " +
                       std::to_string(network.n_layers() - 2) + "); got " + std::to_string(l));
    const Activation activation = network.layer(l).activation;
    AECORE_REQUIRE(
        activation == Activation::sigmoid || activation == Activation::tanh,
        "sparsity_weight must be 0 for activation '" + to_string(activation) +
            "', whose range is not (0, 1): use 'sigmoid' or 'tanh', or no sparsity; got " +
            std::to_string(options.sparsity_weight));
  }
}

double rho_hat_of_mean(Activation activation, double mean_activation) {
  return activation == Activation::tanh ? (mean_activation + 1) / 2 : mean_activation;
}

SparsityTerm sparsity_term(const ObjectiveOptions& options, Activation activation, double rho_hat) {
  const double rho = options.sparsity_target;
  const bool mapped = activation == Activation::tanh;
  rho_hat = std::min(std::max(rho_hat, kRhoClip), 1 - kRhoClip);
  const double kl = rho * std::log(rho / rho_hat) + (1 - rho) * std::log((1 - rho) / (1 - rho_hat));
  const double slope = -rho / rho_hat + (1 - rho) / (1 - rho_hat);
  return {options.sparsity_weight * kl, options.sparsity_weight * slope * (mapped ? 0.5 : 1.0)};
}

}  // namespace aecore
