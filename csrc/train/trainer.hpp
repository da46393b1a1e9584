// Epochs of minibatches in one team: shuffle, step, account, validate, report.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "core/threads.hpp"
#include "nn/data/batch.hpp"
#include "nn/model/objective.hpp"
#include "train/optimizer.hpp"

namespace aecore {

struct ScheduleOptions {
  index_t batch_size = 256;
  index_t n_epochs = 1;
  bool shuffle = true;
  std::uint64_t seed = 0;
  index_t first_epoch = 0;  // epochs and steps are numbered through, so that training in pieces
  index_t first_step = 0;   // draws the same numbers as training in one go
  index_t epochs_per_report = 1;  // more: so many epochs may wait until the poll for their reports

  static constexpr auto fields() {
    using O = ScheduleOptions;
    return std::make_tuple(field("batch_size", &O::batch_size, kPositive),
                           field("n_epochs", &O::n_epochs), field("shuffle", &O::shuffle),
                           field("seed", &O::seed), field("first_epoch", &O::first_epoch),
                           field("first_step", &O::first_step),
                           field("epochs_per_report", &O::epochs_per_report));
  }
};

/// Parts of J that every row has: means over the rows.
struct RowTerms {
  double data = 0, divergence = 0;
};

struct EpochReport {
  index_t epoch;
  double loss;             // mean of the batches' J, weighted by their rows; not finite: diverged
  double validation_loss;  // J of `held_out`; NaN without validation rows
  double seconds;
  RowTerms terms, validation_terms;  // of these losses
};

template <class T>
struct TrainCall {
  const Network& network;
  const ObjectiveOptions& objective;  // on_epoch may change its warm_up
  const OptimizerOptions& optimizer;  // and its learning rate
  const ScheduleOptions& schedule;
  DataSet data;
  const DataSet* validation;  // or null
  T* parameters;              // updated in place; hold the last finished batch at any exit
  T* slots;                   // optimiser state, n_slots x n_parameters
  double* running = nullptr;  // rho_hat from batch to batch, as in Batch
};

/// Where a training stands; read by the poll on the calling thread.
struct TrainProgress {
  index_t epoch = 0;
  index_t rows_done = 0;             // of this epoch
  index_t steps = 0;                 // updates made by this call
  std::vector<EpochReport> waiting;  // epochs that have ended, until their report has come back
};

/// `on_epoch` runs on the calling thread between epochs; true ends the training. Where reports may
/// wait, it runs for the last of the `waiting`, at the latest before the poll and at the end: all
/// of them ended with finite weights, or the last is the only one, and `parameters` are those of
/// the last. A batch whose loss is not finite ends its epoch at once, after a report that says so.
template <class T>
void train(const TrainCall<T>& call, int n_threads, const Poll& poll, TrainProgress& progress,
           const std::function<bool(const EpochReport&)>& on_epoch);

}  // namespace aecore
