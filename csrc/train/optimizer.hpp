// Minibatch optimisers: their settings, and the action that applies one step to a panel.
#pragma once

#include <string>
#include <vector>

#include "nn/step/weight_update.hpp"

namespace aecore {

enum class OptimizerKind { sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  double learning_rate = 1e-3;  // >= 0
  double momentum = 0.9;        // momentum, nesterov: [0, 1)
  double rho = 0.99;            // rmsprop: decay of the second moment, [0, 1)
  double beta_1 = 0.9;          // adam, adamw: decay of the first moment, [0, 1)
  double beta_2 = 0.999;        // adam, adamw: decay of the second moment, [0, 1)
  double epsilon = 1e-8;        // adagrad, rmsprop, adam, adamw: > 0
  double weight_decay = 0;      // adamw: decoupled from J, >= 0; biases carry none
  double clip_norm = 0;         // largest norm of the whole gradient; 0: any

  /// Arrays of the size of the parameters that the optimiser keeps between steps.
  index_t n_slots() const;
};

OptimizerKind optimizer_from_name(const std::string& name);
std::vector<std::string> optimizer_names();
void check_optimizer(const OptimizerOptions& options);

/// What update number `step` (1, 2, ...) does to each tile of gradients; `slots` are the n_slots
/// arrays of moments in the panel layout of the weights, `weight_decay` is that of J.
template <class T>
WeightAction<T> step_action(const OptimizerOptions& options, double weight_decay, index_t step,
                            T* const* slots);

}  // namespace aecore
