// Epochs of minibatches, and what Python hears of them.
#include "bindings/binders.hpp"
#include "bindings/data.hpp"
#include "bindings/running.hpp"
#include "nn/sparse/sparse_batch.hpp"
#include "nn/step/evaluate.hpp"
#include "train/trainer.hpp"

namespace aecore {

namespace {

using OnEpoch = std::function<bool(index_t, double, double, double)>;
using OnProgress = std::function<void(index_t, index_t)>;

index_t run_train(const Network& network, py::array& parameters, py::array& state, const Data& data,
                  const Data* held, const ObjectiveOptions& objective,
                  const OptimizerOptions& optimizer, const ScheduleOptions& schedule, int n_threads,
                  const OnEpoch& on_epoch, const OnProgress& on_progress,
                  TrainProgress* callers_progress, OptionalArray running) {
  check_objective(objective, network);
  const Selection training(network, data);
  std::optional<Selection> validation;
  if (held != nullptr) {
    validation.emplace(network, *held);
    check_sparse_rows(validation->data.x, validation->data.target, without_penalties(objective));
  }
  check_sparse_rows(training.data.x, training.data.target, objective);
  TrainProgress own;
  TrainProgress& progress = callers_progress != nullptr ? *callers_progress : own;
  progress = {};
  const Poll poll = [&] {
    return stopped_by([&] {
      if (asked_to_stop()) return true;  // with the exception of a report just made, for one
      if (on_progress) on_progress(progress.epoch, progress.rows_done);
      return false;
    });
  };
  const auto report = [&](const EpochReport& r) {
    return stopped_by([&] { return on_epoch(r.epoch, r.loss, r.validation_loss, r.seconds); });
  };
  const double work = static_cast<double>(std::min(schedule.batch_size, training.data.n_rows)) *
                      objective_work(network, true);
  const int threads = choose_threads(n_threads, work, kWorthABarrier);
  with_scalar(parameters, [&](auto scalar) {
    using T = decltype(scalar);
    const index_t n = network.n_parameters();
    const TrainCall<T> call{network,
                            objective,
                            optimizer,
                            schedule,
                            training.data,
                            validation ? &validation->data : nullptr,
                            write_pointer<T>(parameters, n, "parameters"),
                            write_pointer<T>(state, optimizer.n_slots() * n, "optimizer_state"),
                            running_pointer(network, objective, running)};
    compute([&] { train(call, threads, poll, progress, report); });
  });
  return progress.steps;
}

/// (epoch, loss, validation loss, seconds, data, divergence, the two of validation) of each.
py::list waiting_of(const TrainProgress& progress) {
  py::list reports;
  for (const EpochReport& r : progress.waiting) {
    reports.append(py::make_tuple(r.epoch, r.loss, r.validation_loss, r.seconds, r.terms.data,
                                  r.terms.divergence, r.validation_terms.data,
                                  r.validation_terms.divergence));
  }
  return reports;
}

}  // namespace

void bind_train(py::module_& m, py::class_<Network>& network) {
  using py::arg;
  py::class_<TrainProgress>(m, "Progress")
      .def(py::init<>())
      .def_readonly("steps", &TrainProgress::steps)
      .def_property_readonly("waiting", &waiting_of);
  network.def("train", &run_train, arg("parameters").noconvert(),
              arg("optimizer_state").noconvert(), arg("data"), py::kw_only(),
              arg("validation") = py::none(), arg("objective"), arg("optimizer"), arg("schedule"),
              arg("n_threads") = 0, arg("on_epoch"), arg("on_progress") = py::none(),
              arg("progress") = py::none(), arg("running") = py::none());
}

}  // namespace aecore
