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
  const bool draws_places = noise.kind == Noise::masking || noise.kind == Noise::salt_and_pepper;
  require_number(!draws_places || noise.level <= 1,
                 "level of noise must be a probability in [0, 1]", noise.level);
}

/// use(name, weight) for the penalties on a code.
template <class Use>
void for_code_penalties(const ObjectiveOptions& options, Use use) {
  for_each_field<ObjectiveOptions>([&](const auto& each) {
    if constexpr (std::is_same_v<decltype(each.member), double ObjectiveOptions::*>) {
      if (each.on_code) use(each.name, options.*each.member);
    }
  });
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
  const auto require_none = [](const char* name, double weight) {
    const std::string rule = " must be 0 with a Gaussian code, which is drawn";
    require_number(weight == 0, (name + rule).c_str(), weight);
  };
  require_none("sparsity_weight", options.sparsity_weight);
  for_code_penalties(options, require_none);
  require_none("trim_fraction", options.trim_fraction);
  AECORE_REQUIRE(!options.draws_code || network.gaussian() < network.n_layers() - 1,
                 "layers must go on after a Gaussian one where J is computed; it is the last");
}

}  // namespace

void check_columns_scaled(const InputOptions& input, index_t n_columns) {
  const auto n = static_cast<std::size_t>(n_columns);
  AECORE_REQUIRE(input.offset.size() == input.factor.size() &&
                     (input.offset.empty() || input.offset.size() == n),
                 "offset and factor must have one number for each of the " + std::to_string(n) +
                     " features; got " + std::to_string(input.offset.size()) + " and " +
                     std::to_string(input.factor.size()));
}

ObjectiveOptions without_penalties(const ObjectiveOptions& options) {
  ObjectiveOptions plain = options;
  reset_penalties(plain);
  plain.draws_code = false;
  return plain;
}

ObjectiveOptions held_out(const ObjectiveOptions& options) {
  ObjectiveOptions held = without_penalties(options);
  held.draws_code = options.draws_code;
  return held;
}

void check_objective(const ObjectiveOptions& options, const Network& network) {
  check_fields(options);
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
  for_code_penalties(options, [&](const char* name, double weight) {
    if (weight > 0) require_hidden_code(name, options, network);
  });
  if (options.contractive_weight > 0) check_contraction(options, network);
  check_columns_scaled(options.input, network.n_in());
  check_noise(options.noise);
  const bool softmax = network.output().activation == Activation::softmax;
  AECORE_REQUIRE((options.loss == Loss::multinomial) == softmax,
                 "loss must be 'multinomial' exactly when the output's activation is 'softmax'; "
                 "got '" +
                     to_string(options.loss) + "' with '" + to_string(network.output().activation) +
                     "'");
  AECORE_REQUIRE(
      !softmax || !options.weighs_features(),
      "loss must weigh features one by one where missing is 'mask' or the emphasis of noise is "
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
