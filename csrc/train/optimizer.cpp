#include "train/optimizer.hpp"

#include <cmath>
#include <sstream>

#include "core/errors.hpp"
#include "nn/names.hpp"

namespace aecore {

std::vector<std::string> optimizer_names() { return {"sgd", "adam"}; }

OptimizerKind optimizer_from_name(const std::string& name) {
  if (name == "sgd") return OptimizerKind::sgd;
  if (name == "adam") return OptimizerKind::adam;
  throw std::invalid_argument("optimizer must be one of " + joined(optimizer_names()) + "; got '" +
                              name + "'");
}

void check_optimizer(const OptimizerOptions& options) {
  const auto check = [](bool good, const char* rule, double value) {
    std::ostringstream text;
    text << rule << "; got " << value;
    AECORE_REQUIRE(good, text.str());
  };
  check(options.learning_rate > 0 && std::isfinite(options.learning_rate),
        "learning_rate must be a finite number > 0", options.learning_rate);
  check(options.beta_1 >= 0 && options.beta_1 < 1, "beta_1 must lie in [0, 1)", options.beta_1);
  check(options.beta_2 >= 0 && options.beta_2 < 1, "beta_2 must lie in [0, 1)", options.beta_2);
  check(options.epsilon > 0, "epsilon must be > 0", options.epsilon);
}

template <class T>
WeightAction<T> step_action(const OptimizerOptions& options, double weight_decay, index_t step,
                            T* slots, index_t slot_size) {
  WeightAction<T> action;
  WeightUpdate<T>& update = action.update;
  update.weight_decay = static_cast<T>(weight_decay);
  if (options.kind == OptimizerKind::sgd) {
    action.epilogue = kernels<T>().sgd;
    update.learning_rate = static_cast<T>(options.learning_rate);
    return action;
  }
  const double t = static_cast<double>(step);
  const double correction_1 = 1 - std::pow(options.beta_1, t);
  const double correction_2 = std::sqrt(1 - std::pow(options.beta_2, t));
  action.epilogue = kernels<T>().adam;
  update.first_moment = slots;
  update.second_moment = slots + slot_size;
  update.learning_rate = static_cast<T>(options.learning_rate * correction_2 / correction_1);
  update.beta_1 = static_cast<T>(options.beta_1);
  update.beta_2 = static_cast<T>(options.beta_2);
  update.epsilon = static_cast<T>(options.epsilon * correction_2);
  return action;
}

template WeightAction<float> step_action<float>(const OptimizerOptions&, double, index_t, float*,
                                                index_t);
template WeightAction<double> step_action<double>(const OptimizerOptions&, double, index_t, double*,
                                                  index_t);

}  // namespace aecore
