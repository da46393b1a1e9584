// What happens to a row between the user's array and the first layer:
//
//   x'  = input_scale x, or (x - offset) * factor by column, limited to [low, high]
//                                                               the clean target of the loss
//   h_0 = x', or its logarithm, with noise (training only), where missing numbers are 0 and the
//         others n_features / n_observed larger
#pragma once

#include <limits>
#include <vector>

#include "core/fields.hpp"
#include "kernels/table.hpp"

namespace aecore {

struct InputOptions {
  double input_scale = 1.0;            // on every number; 1 where columns are scaled
  std::vector<double> offset, factor;  // by column, or empty
  bool mask_missing = false;           // NaN enters as 0 instead of being an error
  // Limits of x' where columns are scaled.
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool log1p = false;  // sign(x') log(1 + |x'|) enters: of counts

  static constexpr auto fields() {
    using O = InputOptions;
    return std::make_tuple(field("input_scale", &O::input_scale, kFinite),
                           field("offset", &O::offset), field("factor", &O::factor),
                           field("mask_missing", &O::mask_missing), field("low", &O::low, kNumber),
                           field("high", &O::high, kNumber), field("log1p", &O::log1p));
  }
  bool operator==(const InputOptions& other) const { return same_fields(*this, other); }
  /// Whether numbers enter as they are.
  bool plain() const { return input_scale == 1.0 && offset.empty() && !changes(); }
  /// Whether something else than x' enters.
  bool changes() const { return mask_missing || log1p; }
};

struct NoiseOptions {
  Noise kind = Noise::none;
  double level = 0.0;     // probability, or factor on N(0, 1) or U(-1, 1)
  double emphasis = 1.0;  // weight in the loss of features whose input is corrupted

  static constexpr auto fields() {
    using O = NoiseOptions;
    return std::make_tuple(field("kind", &O::kind), field("level", &O::level, kNotNegative),
                           field("emphasis", &O::emphasis, kNotNegative));
  }
  /// Where there is no noise its other settings do not count.
  bool operator==(const NoiseOptions& other) const {
    return same_fields(*this, other) || (kind == Noise::none && other.kind == Noise::none);
  }
  bool weighs() const { return kind != Noise::none && emphasis != 1.0; }
};

/// Which random numbers are drawn: noise and dropout have their own for each row and epoch.
struct Draw {
  std::uint64_t seed;
  std::uint32_t epoch;
};

}  // namespace aecore
