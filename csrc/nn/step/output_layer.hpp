// The output layer where all of it is computed: while a tile of z is in cache it becomes x_hat, is
// compared with the target and left as dJ/dz.
#pragma once

#include "nn/rows/batch_rows.hpp"
#include "nn/rows/row_sums.hpp"

namespace aecore {

template <class T>
class OutputLayer {
 public:
  /// `rows` have the target, and the losses go to `sums`.
  OutputLayer(const Network& network, const ObjectiveOptions& options, const GradientPlan& plan,
              const BatchRows<T>& rows, RowSums<T>& sums);

  /// `product`: z of the block, which is dJ/dz on return. A network of one layer that reads sparse
  /// rows has it already.
  void run(GemmCall<T> product, const T* bias, const RowBlock& block);

 private:
  OutputLoss<T> loss_of(const T* bias, const RowBlock& block);

  const Network& network_;
  const ObjectiveOptions& options_;
  const BatchRows<T>& rows_;
  RowSums<T>& sums_;
  const index_t partial_size_;
  AlignedBuffer<T> partial_;  // by worker: a panel's width for each row of its block
};

}  // namespace aecore
