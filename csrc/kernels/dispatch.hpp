// Chooses the instruction set, once.
#pragma once

#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace aecore {

/// The fastest table this processor and operating system can run, or the one that the environment
/// variable AECORE_ISA names; an unknown or unavailable name is an error that lists the others.
const KernelTable& kernel_table();

/// Names of the tables that could be chosen here, the fastest first.
std::vector<std::string> available_instruction_sets();

template <class T>
const Kernels<T>& kernels();
template <>
inline const Kernels<float>& kernels<float>() {
  return kernel_table().f32;
}
template <>
inline const Kernels<double>& kernels<double>() {
  return kernel_table().f64;
}

}  // namespace aecore
