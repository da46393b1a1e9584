// What the losses ask of their targets beyond finite numbers.
#pragma once

#include "nn/data/source.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

/// Whether the loss is one of counts, whose targets must not be negative.
inline bool is_of_counts(Loss loss) { return loss == Loss::poisson || loss == Loss::multinomial; }

/// Throws a sentence with row and column where one of the gathered rows holds a negative number.
template <class T>
void require_not_negative(const RowSource& source, const RowRange& range,
                          MatrixPanels<const T> rows);

}  // namespace aecore
