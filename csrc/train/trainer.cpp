#include "train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "core/float_mode.hpp"
#include "core/random.hpp"
#include "nn/step/gradient.hpp"
#include "nn/step/row_step.hpp"

namespace aecore {

namespace {

// A batch up to this size is one chunk, and its weights are updated tile by tile.
constexpr double kBatchBytes = 256.0 * 1024 * 1024;
constexpr double kValidationBytes = 16.0 * 1024 * 1024;
constexpr index_t kMostWaiting = 4096;

template <class T>
class Training {
 public:
  Training(const TrainCall<T>& call, int n_threads, TrainProgress& progress,
           const std::function<bool(const EpochReport&)>& on_epoch)
      : call_(call),
        progress_(progress),
        on_epoch_(on_epoch),
        data_(call.data),
        batch_rows_(std::min(call.schedule.batch_size, call.data.n_rows)),
        layout_(call.network),
        weights_(std::in_place, call.network, true) {
    for (index_t slot = 0; slot < call.optimizer.n_slots(); ++slot) {
      slots_.emplace_back(layout_.size());
      slot_at_.push_back(slots_.back().data());
    }
    const bool clip = call.optimizer.clip_norm > 0;
    if (batch_rows_ == 1 && call.optimizer.name == OptimizerKind::sgd && !clip && is_plain(call)) {
      row_step_ = std::make_unique<RowStep<T>>(call.network, call.objective);
    } else {
      step_ = std::make_unique<BatchGradient<T>>(
          call.network, call.objective,
          GradientPlan{batch_rows_, n_threads, true, false, kBatchBytes, clip}.for_data(
              call.data, call.network));
    }
    if (call.schedule.shuffle) {
      order_.resize(static_cast<std::size_t>(data_.n_rows));
      data_.rows = order_.data();
    }
    if (call.validation != nullptr) {
      validation_ = std::make_unique<BatchGradient<T>>(
          call.network, held_out(call.objective),
          GradientPlan{call.validation->n_rows, n_threads, false, false, kValidationBytes}.for_data(
              *call.validation, call.network));
    }
    most_waiting_ = static_cast<std::size_t>(std::clamp<index_t>(
        std::min(call.schedule.epochs_per_report, call.schedule.n_epochs), 1, kMostWaiting));
    progress_.waiting.reserve(most_waiting_);
    load();
  }

  /// Tells of the epochs that nobody has heard of yet, by the last of them, which left `parameters`
  /// as they are. They stay where they are if that ends the training, maybe by an exception.
  void report() {
    std::vector<EpochReport>& waiting = progress_.waiting;
    if (waiting.empty() || finished_) return;
    const FloatMode callers_mode(FloatMode::keep_subnormals);
    finished_ = on_epoch_(waiting.back());
    if (!finished_) waiting.clear();
  }

  /// The working weights and moments back into the caller's arrays, and nothing after that. What is
  /// not needed any more goes first: a caller's array that nobody has written to takes no memory
  /// before, and the moments of large networks are most of what a training has.
  void finish() {
    store_weights();
    step_.reset();
    row_step_.reset();
    validation_.reset();
    weights_.reset();
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      for (index_t l = 0; l < call_.network.n_products(); ++l) {
        layout_.from_panels(l, slots_[slot].data(), callers_slot(slot));
      }
      slots_[slot] = AlignedBuffer<T>();
    }
  }

  void run(Team& team) {
    for (index_t e = 0; e < call_.schedule.n_epochs && !finished_; ++e) {
      const auto start = Clock::now();
      begin_epoch(call_.schedule.first_epoch + e);
      if (row_step_) {
        run_rows(team);
      } else {
        for (index_t first = 0; first < call_.data.n_rows && !diverged_; first += batch_rows_) {
          run_batch(team, first);
        }
      }
      if (validation_ && !diverged_) {
        const DataSet& held = *call_.validation;
        validation_->run(team, *weights_, {held, held.range(0, held.n_rows)}, WeightAction<T>{},
                         false);
      }
      end_epoch(e, start);
    }
  }

 private:
  /// Whether a row can be stepped on by itself, without the general machinery: RowStep knows
  /// weight decay, and no other penalty.
  static bool is_plain(const TrainCall<T>& call) {
    ObjectiveOptions but_decay = call.objective;
    but_decay.weight_decay = 0;
    return !has_penalties(but_decay) && !but_decay.input.changes() && call.network.plain() &&
           !call.data.x.sparse() && !call.data.sparse_target();
  }

  T* callers_slot(std::size_t slot) const {
    return call_.slots + static_cast<index_t>(slot) * call_.network.n_parameters();
  }

  void load() {
    for (index_t l = 0; l < call_.network.n_products(); ++l) {
      weights_->load(l, call_.parameters);
      for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        layout_.to_panels(l, callers_slot(slot), slots_[slot].data());
      }
    }
  }

  void store_weights() {
    for (index_t l = 0; l < call_.network.n_products(); ++l) {
      layout_.from_panels(l, weights_->data(), call_.parameters);
    }
  }

  void begin_epoch(index_t epoch) {
    progress_.epoch = epoch;
    progress_.rows_done = 0;
    loss_sum_ = 0;
    terms_sum_ = {};
    if (!call_.schedule.shuffle) return;
    shuffled_order(order_.data(), call_.data.n_rows, call_.schedule.seed,
                   static_cast<std::uint32_t>(epoch));
    if (call_.data.rows != nullptr) {
      for (index_t& row : order_) row = call_.data.rows[row];
    }
  }

  /// An epoch of one-row batches, on the leader.
  void run_rows(Team& team) {
    const DataSet& data = data_;
    for (index_t i = 0; i < data.n_rows && !diverged_; ++i) {
      if (i % 32 == 0) team.throw_if_asked_to_stop();
      const auto row_at = [&](index_t at) { return data.rows != nullptr ? data.rows[at] : at; };
      const index_t row = row_at(i);
      if (i + 1 < data.n_rows) fetch_row(data.x, row_at(i + 1));
      const double weight = data.sample_weight != nullptr ? data.sample_weight[row] : 1.0;
      account(row_step_->run(*weights_, data.x, data.target, row, weight,
                             call_.optimizer.learning_rate),
              1);
    }
  }

  void account(double loss, index_t n_rows) {
    loss_sum_ += loss * static_cast<double>(n_rows);
    diverged_ = !std::isfinite(loss);
    progress_.rows_done += n_rows;
    ++progress_.steps;
  }

  void run_batch(Team& team, index_t first) {
    const Batch batch{
        data_,         data_.range(first, std::min(batch_rows_, data_.n_rows - first)),
        nullptr,       static_cast<std::uint32_t>(progress_.epoch),
        call_.running, call_.objective.warm_up};
    const index_t step = call_.schedule.first_step + progress_.steps + 1;
    WeightAction<T> action =
        step_action(call_.optimizer, call_.objective.weight_decay, step, slot_at_.data());
    action.update.weight_l1 = static_cast<T>(call_.objective.weight_l1);
    step_->run(team, *weights_, batch, action, call_.objective.weight_decay > 0);
    const ObjectiveParts& parts = step_->parts();
    terms_sum_.data += parts.data * static_cast<double>(batch.range.n);
    terms_sum_.divergence += parts.divergence * static_cast<double>(batch.range.n);
    account(parts.total(), batch.range.n);
  }

  void end_epoch(index_t e, Clock::time_point start) {
    const double kNone = std::numeric_limits<double>::quiet_NaN();
    const auto n_rows = static_cast<double>(call_.data.n_rows);
    EpochReport report{progress_.epoch,
                       loss_sum_ / n_rows,
                       kNone,
                       std::chrono::duration<double>(Clock::now() - start).count(),
                       {terms_sum_.data / n_rows, terms_sum_.divergence / n_rows},
                       {}};
    if (diverged_) report.loss = kNone;
    if (validation_ && !diverged_) {
      const ObjectiveParts& parts = validation_->parts();
      report.validation_loss = parts.total();
      report.validation_terms = {parts.data, parts.divergence};
    }
    if (diverged_ || !weights_are_finite()) this->report();
    store_weights();
    progress_.waiting.push_back(report);
    const bool is_last = e + 1 == call_.schedule.n_epochs || diverged_;
    if (is_last || progress_.waiting.size() == most_waiting_) this->report();
    finished_ = finished_ || diverged_;
  }

  bool weights_are_finite() {
    T sum = 0;
    for (index_t i = 0; i < layout_.size(); ++i) sum += weights_->data()[i] * T{0};
    return sum == 0;
  }

  const TrainCall<T>& call_;
  TrainProgress& progress_;
  const std::function<bool(const EpochReport&)>& on_epoch_;
  DataSet data_;  // in the order of the epoch
  const index_t batch_rows_;
  const PanelLayout<T> layout_;
  std::optional<PanelWeights<T>> weights_;  // what is trained; the caller's arrays are copies
  std::vector<AlignedBuffer<T>> slots_;     // moments, in the layout of the weights
  std::vector<T*> slot_at_;
  std::unique_ptr<BatchGradient<T>> step_;
  std::unique_ptr<RowStep<T>> row_step_;  // instead of step_, for plain descent row by row
  std::unique_ptr<BatchGradient<T>> validation_;
  std::vector<index_t> order_;
  std::size_t most_waiting_;  // epochs without a report at the end of one
  double loss_sum_ = 0;
  RowTerms terms_sum_;  // of a step that makes them: a row's by itself has the loss alone
  bool diverged_ = false;
  bool finished_ = false;
};

}  // namespace

template <class T>
void train(const TrainCall<T>& call, int n_threads, const Poll& poll, TrainProgress& progress,
           const std::function<bool(const EpochReport&)>& on_epoch) {
  Training<T> training(call, n_threads, progress, on_epoch);
  const Poll report_and_poll = [&] {
    training.report();
    return poll();
  };
  try {
    run_team(n_threads, report_and_poll, [&](Team& team) { training.run(team); });
  } catch (...) {
    training.finish();  // as of the last finished batch
    throw;
  }
  training.finish();
}

template void train<float>(const TrainCall<float>&, int, const Poll&, TrainProgress&,
                           const std::function<bool(const EpochReport&)>&);
template void train<double>(const TrainCall<double>&, int, const Poll&, TrainProgress&,
                            const std::function<bool(const EpochReport&)>&);

}  // namespace aecore
