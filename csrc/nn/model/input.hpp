// What happens to a row between the user's array and the first layer:
//
//   x'  = scale x, or (x - offset) * factor by column     the clean target of the loss
//   h_0 = x' with noise (training only), where missing numbers are 0 and the others
//         n_features / n_observed larger
#pragma once

#include <vector>

#include "kernels/table.hpp"

namespace aecore {

struct InputOptions {
  double scale = 1.0;                  // on every number; 1 where columns are scaled
  std::vector<double> offset, factor;  // by column, or empty
  bool mask_missing = false;           // NaN enters as 0 instead of being an error

  bool operator==(const InputOptions& other) const {
    return scale == other.scale && offset == other.offset && factor == other.factor &&
           mask_missing == other.mask_missing;
  }
  /// Whether numbers enter as they are.
  bool plain() const { return scale == 1.0 && offset.empty() && !mask_missing; }
};

struct NoiseOptions {
  Noise kind = Noise::none;
  double level = 0.0;     // probability, or factor on N(0, 1) or U(-1, 1)
  double emphasis = 1.0;  // weight in the loss of features whose input is corrupted

  bool operator==(const NoiseOptions& other) const {
    return kind == other.kind && level == other.level && emphasis == other.emphasis;
  }
  bool weighs() const { return kind != Noise::none && emphasis != 1.0; }
};

/// Which random numbers are drawn: noise and dropout have their own for each row and epoch.
struct Draw {
  std::uint64_t seed;
  std::uint32_t epoch;
};

}  // namespace aecore
