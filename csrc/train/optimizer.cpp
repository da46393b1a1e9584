#include "train/optimizer.hpp"

#include <cmath>

#include "core/errors.hpp"
#include "nn/model/names.hpp"

namespace aecore {

namespace {

struct Entry {
  OptimizerKind kind;
  const char* name;
  index_t n_slots;
};

// In the order of the enum.
constexpr Entry kOptimizers[] = {
    {OptimizerKind::sgd, "sgd", 0},           {OptimizerKind::momentum, "momentum", 1},
    {OptimizerKind::nesterov, "nesterov", 1}, {OptimizerKind::adagrad, "adagrad", 1},
    {OptimizerKind::rmsprop, "rmsprop", 1},   {OptimizerKind::adam, "adam", 2},
    {OptimizerKind::adamw, "adamw", 2},
};

const Entry& entry_of(OptimizerKind kind) { return kOptimizers[static_cast<std::size_t>(kind)]; }

template <class T>
void use_momentum(const OptimizerOptions& options, WeightAction<T>& action, T* slot) {
  const bool nesterov = options.name == OptimizerKind::nesterov;
  WeightUpdate<T>& update = action.update;
  action.epilogue = kernels<T>().momentum;
  update.first_moment = slot;
  update.beta_1 = static_cast<T>(options.momentum);
  update.gradient_share = nesterov ? T{1} : T{0};
  update.momentum_share = nesterov ? update.beta_1 : T{1};
}

template <class T>
void use_rmsprop(const OptimizerOptions& options, WeightAction<T>& action, T* slot) {
  const bool sums = options.name == OptimizerKind::adagrad;
  WeightUpdate<T>& update = action.update;
  action.epilogue = kernels<T>().rmsprop;
  update.second_moment = slot;
  update.beta_2 = static_cast<T>(sums ? 1 : options.rho);
  update.fresh_2 = static_cast<T>(sums ? 1 : 1 - options.rho);
  update.epsilon = static_cast<T>(options.epsilon);
}

template <class T>
void use_adam(const OptimizerOptions& options, WeightAction<T>& action, index_t step,
              T* const* slots) {
  const double t = static_cast<double>(step);
  const double correction_1 = 1 - std::pow(options.beta_1, t);
  const double correction_2 = std::sqrt(1 - std::pow(options.beta_2, t));
  WeightUpdate<T>& update = action.update;
  action.epilogue = kernels<T>().adam;
  update.first_moment = slots[0];
  update.second_moment = slots[1];
  update.learning_rate = static_cast<T>(options.learning_rate * correction_2 / correction_1);
  update.beta_1 = static_cast<T>(options.beta_1);
  update.fresh_1 = static_cast<T>(1 - options.beta_1);
  update.beta_2 = static_cast<T>(options.beta_2);
  update.fresh_2 = static_cast<T>(1 - options.beta_2);
  update.epsilon = static_cast<T>(options.epsilon * correction_2);
  if (options.name == OptimizerKind::adamw) {
    update.keep = static_cast<T>(1 - options.learning_rate * options.weight_decay);
  }
}

}  // namespace

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kOptimizers) names.emplace_back(entry.name);
  return names;
}

OptimizerKind optimizer_from_name(const std::string& name) {
  for (const Entry& entry : kOptimizers) {
    if (name == entry.name) return entry.kind;
  }
  throw std::invalid_argument("optimizer must be one of " + joined(optimizer_names()) + "; got '" +
                              name + "'");
}

std::string to_string(OptimizerKind kind) { return entry_of(kind).name; }

index_t OptimizerOptions::n_slots() const { return entry_of(name).n_slots; }

template <class T>
WeightAction<T> step_action(const OptimizerOptions& options, double weight_decay, index_t step,
                            T* const* slots) {
  WeightAction<T> action;
  action.clip_norm = options.clip_norm;
  WeightUpdate<T>& update = action.update;
  update.gradient_scale = T{1};
  update.weight_decay = static_cast<T>(weight_decay);
  update.learning_rate = static_cast<T>(options.learning_rate);
  update.keep = T{1};
  switch (options.name) {
    case OptimizerKind::sgd:
      action.epilogue = kernels<T>().sgd;
      break;
    case OptimizerKind::momentum:
    case OptimizerKind::nesterov:
      use_momentum(options, action, slots[0]);
      break;
    case OptimizerKind::adagrad:
    case OptimizerKind::rmsprop:
      use_rmsprop(options, action, slots[0]);
      break;
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      use_adam(options, action, step, slots);
      break;
  }
  return action;
}

template WeightAction<float> step_action<float>(const OptimizerOptions&, double, index_t,
                                                float* const*);
template WeightAction<double> step_action<double>(const OptimizerOptions&, double, index_t,
                                                  double* const*);

}  // namespace aecore
