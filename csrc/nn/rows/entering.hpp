// Rows of a batch on their way into the first layer, noise and missing numbers included, and what
// the loss compares the output with.
#pragma once

#include "nn/data/source.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

/// Panels from destination row 0 on; `data` is null where nobody wants them.
template <class T>
struct EnteringPanels {
  MatrixPanels<T> entering;
  MatrixPanels<T> target;  // null: the clean rows are wanted nowhere, or `entering` is clean
  MatrixPanels<T> weight;  // of each feature in the loss
};

/// Gathers and checks the rows of x, and those of `target` where there is one (otherwise the target
/// is x, scaled and clean). `noise` is null outside training; `unit_range` is asked of the target.
template <class T>
void gather_entering(const RowSource& x, const RowSource* target, const RowRange& range,
                     const InputOptions& input, const NoiseOptions* noise, const Draw& draw,
                     bool unit_range, const EnteringPanels<T>& to);

}  // namespace aecore
