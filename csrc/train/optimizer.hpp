// Minibatch optimisers: their settings, and the action that applies one step to a panel.
#pragma once

#include <string>
#include <vector>

#include "core/fields.hpp"
#include "nn/step/weight_update.hpp"

namespace aecore {

enum class OptimizerKind { sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw };

struct OptimizerOptions {
  OptimizerKind name = OptimizerKind::adam;
  double learning_rate = 1e-3;
  double momentum = 0.9;    // momentum, nesterov
  double rho = 0.99;        // rmsprop: decay of the second moment
  double beta_1 = 0.9;      // adam, adamw: decay of the first moment
  double beta_2 = 0.999;    // adam, adamw: decay of the second moment
  double epsilon = 1e-8;    // adagrad, rmsprop, adam, adamw
  double weight_decay = 0;  // adamw: decoupled from J; biases carry none
  double clip_norm = 0;     // largest norm of the whole gradient; 0: any

  static constexpr auto fields() {
    using O = OptimizerOptions;
    return std::make_tuple(field("name", &O::name),
                           field("learning_rate", &O::learning_rate, kNotNegative),
                           field("momentum", &O::momentum, kShare), field("rho", &O::rho, kShare),
                           field("beta_1", &O::beta_1, kShare), field("beta_2", &O::beta_2, kShare),
                           field("epsilon", &O::epsilon, kPositive),
                           field("weight_decay", &O::weight_decay, kNotNegative),
                           field("clip_norm", &O::clip_norm, kNotNegative));
  }
  /// Arrays of the size of the parameters that the optimiser keeps between steps.
  index_t n_slots() const;
};

OptimizerKind optimizer_from_name(const std::string& name);
std::string to_string(OptimizerKind kind);
std::vector<std::string> optimizer_names();

/// What update number `step` (1, 2, ...) does to each tile of gradients; `slots` are the n_slots
/// arrays of moments in the panel layout of the weights, `weight_decay` is that of J.
template <class T>
WeightAction<T> step_action(const OptimizerOptions& options, double weight_decay, index_t step,
                            T* const* slots);

}  // namespace aecore
