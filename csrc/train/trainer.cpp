#include "train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "core/random.hpp"

namespace aecore {

namespace {

using Clock = std::chrono::steady_clock;

template <class T>
class Training {
 public:
  Training(const TrainCall<T>& call, int n_threads, TrainProgress& progress,
           const std::function<bool(const EpochReport&)>& on_epoch)
      : call_(call),
        progress_(progress),
        on_epoch_(on_epoch),
        batch_rows_(std::min(call.schedule.batch_size, call.data.n_rows)),
        step_(call.network, call.objective, batch_rows_, n_threads, true,
              call.data.target != nullptr) {
    if (call.schedule.shuffle) {
      order_.resize(static_cast<std::size_t>(call.data.n_rows));
    }
    if (call.validation != nullptr) {
      ObjectiveOptions plain = call.objective;  // held-out rows are judged without penalties
      plain.sparsity_weight = 0;
      plain.weight_decay = 0;
      validation_ =
          std::make_unique<BatchGradient<T>>(call.network, plain, call.validation->n_rows,
                                             n_threads, false, call.validation->target != nullptr);
    }
  }

  void run(Worker& worker) {
    for (index_t e = 0; e < call_.schedule.n_epochs && !finished_; ++e) {
      const auto start = Clock::now();
      worker.once([&] { begin_epoch(call_.schedule.first_epoch + e); });
      for (index_t first = 0; first < call_.data.n_rows && !diverged_; first += batch_rows_) {
        run_batch(worker, first);
      }
      if (validation_ && !diverged_) {
        validation_->run(worker, call_.parameters, validation_batch(), PanelAction<T>{});
      }
      worker.once([&] { end_epoch(start); });
    }
  }

 private:
  void begin_epoch(index_t epoch) {
    progress_.epoch = epoch;
    progress_.rows_done = 0;
    loss_sum_ = 0;
    if (!call_.schedule.shuffle) return;
    shuffled_order(order_.data(), call_.data.n_rows, call_.schedule.seed,
                   static_cast<std::uint32_t>(epoch));
    if (call_.data.rows != nullptr) {
      for (index_t& row : order_) row = call_.data.rows[row];
    }
  }

  void run_batch(Worker& worker, index_t first) {
    Batch batch;
    batch.x = &call_.data.x;
    batch.target = call_.data.target;
    batch.sample_weight = call_.data.sample_weight;
    batch.range = {order_.empty() ? call_.data.rows : order_.data(), first,
                   std::min(batch_rows_, call_.data.n_rows - first)};
    const index_t step = call_.schedule.first_step + progress_.steps + 1;
    const PanelAction<T> action =
        step_action(call_.optimizer, call_.objective.weight_decay, step, call_.parameters,
                    call_.slots, call_.network.n_parameters());
    step_.run(worker, call_.parameters, batch, action);
    worker.once([&] {
      const double loss = step_.parts().total();
      loss_sum_ += loss * static_cast<double>(batch.range.n);
      diverged_ = !std::isfinite(loss);
      progress_.rows_done += batch.range.n;
      ++progress_.steps;
    });
  }

  Batch validation_batch() const {
    Batch batch;
    batch.x = &call_.validation->x;
    batch.target = call_.validation->target;
    batch.sample_weight = call_.validation->sample_weight;
    batch.range = {call_.validation->rows, 0, call_.validation->n_rows};
    return batch;
  }

  void end_epoch(Clock::time_point start) {
    const double kNone = std::numeric_limits<double>::quiet_NaN();
    EpochReport report{progress_.epoch, loss_sum_ / static_cast<double>(call_.data.n_rows), kNone,
                       std::chrono::duration<double>(Clock::now() - start).count()};
    if (diverged_) report.loss = kNone;
    if (validation_ && !diverged_) report.validation_loss = validation_->parts().loss;
    finished_ = on_epoch_(report) || diverged_;
  }

  const TrainCall<T>& call_;
  TrainProgress& progress_;
  const std::function<bool(const EpochReport&)>& on_epoch_;
  const index_t batch_rows_;
  BatchGradient<T> step_;
  std::unique_ptr<BatchGradient<T>> validation_;
  std::vector<index_t> order_;
  // Written by worker 0 between barriers, read by all.
  double loss_sum_ = 0;
  bool diverged_ = false;
  bool finished_ = false;
};

}  // namespace

template <class T>
void train(const TrainCall<T>& call, int n_threads, const Poll& poll, TrainProgress& progress,
           const std::function<bool(const EpochReport&)>& on_epoch) {
  Training<T> training(call, n_threads, progress, on_epoch);
  run_team(n_threads, poll, [&](Worker& worker) { training.run(worker); });
}

template void train<float>(const TrainCall<float>&, int, const Poll&, TrainProgress&,
                           const std::function<bool(const EpochReport&)>&);
template void train<double>(const TrainCall<double>&, int, const Poll&, TrainProgress&,
                            const std::function<bool(const EpochReport&)>&);

}  // namespace aecore
