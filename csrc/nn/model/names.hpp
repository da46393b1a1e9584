// The names that users write, and what they mean here.
#pragma once

#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace aecore {

Activation activation_from_name(const std::string& name);
Loss loss_from_name(const std::string& name);
Noise noise_from_name(const std::string& name);
std::string to_string(Activation activation);
std::string to_string(Loss loss);
std::string to_string(Noise noise);  // not of none

std::vector<std::string> activation_names();
std::vector<std::string> loss_names();
std::vector<std::string> noise_names();  // without none

/// "a, b, c" for error messages.
std::string joined(const std::vector<std::string>& names);

}  // namespace aecore
