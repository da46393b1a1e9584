// The objective over all rows given, outside training.
#pragma once

#include "core/threads.hpp"
#include "nn/data/batch.hpp"
#include "nn/model/objective.hpp"

namespace aecore {

template <class T>
struct EvaluateCall {
  const Network& network;
  const ObjectiveOptions& options;
  const T* parameters;
  DataSet data;
  T* gradient;                // n_parameters, or null
  double* row_loss;           // by row of data, or null
  std::uint32_t epoch = 0;    // of noise and dropout
  double* running = nullptr;  // as in Batch
};

/// rho_hat is the mean over all rows of the data, however they are chunked.
template <class T>
ObjectiveParts evaluate(const EvaluateCall<T>& call, int n_threads, const Poll& poll);

/// Multiply-adds of one row, forward and (with_gradient) backward.
double objective_work(const Network& network, bool with_gradient);

}  // namespace aecore
