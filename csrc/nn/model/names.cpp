#include "nn/model/names.hpp"

#include <algorithm>

#include "core/errors.hpp"

namespace aecore {

namespace {

// In the order of the enums.
const std::vector<std::string> kActivations = {"identity", "sigmoid",  "tanh", "relu", "leaky_relu",
                                               "elu",      "softplus", "silu", "gelu", "softmax"};
const std::vector<std::string> kNoises = {"masking", "gaussian", "salt_and_pepper",
                                          "uniform"};  // behind Noise::none
const std::vector<std::string> kLosses = {
    "squared_error", "binary_cross_entropy", "absolute_error", "huber", "poisson", "multinomial"};

template <class Enum>
Enum from_name(const std::vector<std::string>& names, const std::string& name,
               const std::string& what) {
  const auto found = std::find(names.begin(), names.end(), name);
  AECORE_REQUIRE(found != names.end(),
                 what + " must be one of " + joined(names) + "; got '" + name + "'");
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

Activation activation_from_name(const std::string& name) {
  return from_name<Activation>(kActivations, name, "activation");
}
Loss loss_from_name(const std::string& name) { return from_name<Loss>(kLosses, name, "loss"); }
Noise noise_from_name(const std::string& name) {
  return static_cast<Noise>(1 + from_name<int>(kNoises, name, "noise"));
}
std::string to_string(Activation activation) {
  return kActivations[static_cast<std::size_t>(activation)];
}
std::string to_string(Loss loss) { return kLosses[static_cast<std::size_t>(loss)]; }
std::string to_string(Noise noise) { return kNoises[static_cast<std::size_t>(noise) - 1]; }
std::vector<std::string> activation_names() { return kActivations; }
std::vector<std::string> loss_names() { return kLosses; }
std::vector<std::string> noise_names() { return kNoises; }

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace aecore
