// Inference: encode, decode and reconstruct are ranges of layers.
#pragma once

#include "core/threads.hpp"
#include "nn/data/source.hpp"
#include "nn/model/network.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

/// Receives outputs that nobody keeps as a whole: a block of rows, a panel of columns at a time, as
/// the product leaves it. Workers call it at the same time, each with its number.
template <class T>
class OutputTaker {
 public:
  virtual ~OutputTaker() = default;
  /// Rows [first, first + n) of the call follow, then all of their columns, in ascending order.
  virtual void begin(index_t first, index_t n, int worker) = 0;
  /// Columns [column, column + columns); one row is `row` elements behind the other.
  virtual void take(index_t column, index_t columns, const T* outputs, index_t row, int worker) = 0;
  virtual void end(int worker) = 0;
};

/// out (n_rows x layer_sizes[last], row-major) = layers [first, last) applied to the rows of X.
template <class T>
struct ForwardCall {
  const Network& network;
  const T* parameters;
  RowSource x;
  index_t first_layer, last_layer;
  const InputOptions& input;  // of rows that enter the first layer
  T* out;                     // null where there is a taker, which the last layer must not be
                              // softmax for: that one needs whole rows
  OutputTaker<T>* taker = nullptr;
  bool log_variance = false;  // of the last of these layers, a Gaussian one, instead of its mean

  /// What layer l is multiplied by.
  index_t product(index_t l) const {
    return log_variance && l + 1 == last_layer ? network.layer(l).log_variance : l;
  }
};

/// A few rows run on the calling thread straight from the row-major weights; more are cut into
/// blocks for `n_threads` workers. Either way a row gets the same bits.
template <class T>
void forward(const ForwardCall<T>& call, int n_threads, const Poll& poll);

}  // namespace aecore
