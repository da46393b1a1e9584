// Least trimmed squares: the rows of a batch that cost most have no weight in J, so that a share of
// odd rows cannot carry the fit away. After: Rousseeuw, "Least median of squares regression",
// Journal of the American Statistical Association 79, 1984.
#pragma once

#include <vector>

#include "core/types.hpp"
#include "nn/data/batch.hpp"

namespace aecore {

template <class T>
class Trimming {
 public:
  /// Leaves out the share `fraction` in [0, 1) of batches of up to `max_rows`.
  Trimming(double fraction, index_t max_rows);

  /// Losses of rows [first, first + n) of the batch.
  void take(const double* loss, index_t first, index_t n);

  /// Once the losses of all rows are in: as many rows with the largest losses lose their weight, of
  /// equal ones the later rows, as have up to the share `fraction` of all; the others share the
  /// sum.
  void run(T* weight, const Batch& batch);

 private:
  const double fraction_;
  std::vector<double> loss_;
  std::vector<index_t> order_;
};

}  // namespace aecore
