// Network and its computations. Each call checks its arrays, takes pointers, releases the GIL.
#include "bindings/arrays.hpp"
#include "bindings/binders.hpp"
#include "bindings/running.hpp"
#include "nn/model/names.hpp"
#include "nn/serve/forward.hpp"
#include "nn/sparse/sparse_batch.hpp"
#include "nn/step/evaluate.hpp"
#include "train/trainer.hpp"

namespace aecore {

namespace {

using OptionalArray = std::optional<py::array>;

/// function(T{}) for the scalar type of the parameters.
template <class Function>
auto with_scalar(const py::array& parameters, Function function) {
  return is_float32(parameters, "parameters") ? function(float{}) : function(double{});
}

void check_columns(const RowSource& source, index_t n_columns) {
  AECORE_REQUIRE(source.n_columns == n_columns,
                 source.name + " has " + std::to_string(source.n_columns) +
                     " features, but the network expects " + std::to_string(n_columns));
}

void check_first_layer(const RowSource& source, const Network& network) {
  AECORE_REQUIRE(!source.sparse() || !network.layer(0).convolves(),
                 source.name + " must be dense where the first layer convolves; got sparse rows");
}

void check_rows(const RowSource& source) {
  AECORE_REQUIRE(source.n_rows > 0, source.name + " must have at least one row; got 0");
}

/// The rows of X that an index array selects (or all), with target and weights, checked against the
/// network.
class Selection {
 public:
  DataSet data;

  Selection(const Network& network, const py::object& x, const py::object& target,
            const OptionalArray& weights, const OptionalArray& rows,
            const py::object& clusters = py::none())
      : x_(rows_of(x, "X")) {
    data.x = x_.source;
    data.n_rows = data.x.n_rows;
    check_rows(data.x);
    check_columns(data.x, network.n_in());
    check_first_layer(data.x, network);
    if (!target.is_none()) take_target(network, target);
    AECORE_REQUIRE(
        data.target != nullptr || network.n_in() == network.n_out() || !network.compares(),
        "target must be given where the network's output differs in size from its input (" +
            std::to_string(network.n_out()) + " and " + std::to_string(network.n_in()) + ")");
    take_clusters(network, clusters);
    if (weights) data.sample_weight = read_pointer<double>(*weights, data.n_rows, "sample_weight");
    if (rows) select(*rows);
  }
  Selection(const Selection&) = delete;  // data points into it

 private:
  void check_length(const RowSource& source) const {
    AECORE_REQUIRE(source.n_rows == data.x.n_rows, source.name + " must have as many rows as X (" +
                                                       std::to_string(data.x.n_rows) + "); got " +
                                                       std::to_string(source.n_rows));
  }

  void take_target(const Network& network, const py::object& rows) {
    target_ = rows_of(rows, "target");
    check_columns(target_.source, network.n_out());
    check_length(target_.source);
    data.target = &target_.source;
  }

  void take_clusters(const Network& network, const py::object& rows) {
    AECORE_REQUIRE((network.n_clusters() > 0) != rows.is_none(),
                   "target_distribution must be given exactly where the network has clusters");
    if (rows.is_none()) return;
    clusters_ = rows_of(rows, "target_distribution");
    const RowSource& p = clusters_.source;
    AECORE_REQUIRE(p.n_columns == network.n_clusters() && !p.sparse(),
                   "target_distribution must be dense with one column for each of the " +
                       std::to_string(network.n_clusters()) + " clusters; got " +
                       std::to_string(p.n_columns));
    check_length(p);
    data.clusters = &p;
  }

  void select(const py::array& rows) {
    data.n_rows = rows.size();
    data.rows = read_pointer<std::int64_t>(rows, data.n_rows, "rows");
    AECORE_REQUIRE(data.n_rows > 0, "rows must name at least one row; got none");
    for (index_t i = 0; i < data.n_rows; ++i) {
      AECORE_REQUIRE(data.rows[i] >= 0 && data.rows[i] < data.x.n_rows,
                     "rows must lie in [0, " + std::to_string(data.x.n_rows) + "); got " +
                         std::to_string(data.rows[i]));
    }
  }

  Rows x_, target_, clusters_;
};

void initialize(const Network& network, py::array& parameters, std::uint64_t seed) {
  with_scalar(parameters, [&](auto scalar) {
    using T = decltype(scalar);
    network.initialize(write_pointer<T>(parameters, network.n_parameters(), "parameters"), seed);
  });
}

void run_forward(const Network& network, const py::array& parameters, const py::object& x,
                 py::array& out, index_t first, index_t last, const InputOptions& input,
                 int n_threads, const std::string& name, bool log_variance) {
  AECORE_REQUIRE(first >= 0 && first < last && last <= network.n_layers(),
                 "layers must be a range within 0 to " + std::to_string(network.n_layers()) +
                     "; got " + std::to_string(first) + " to " + std::to_string(last));
  AECORE_REQUIRE(!log_variance || network.layer(last - 1).gaussian(),
                 "log_variance must be False where the last layer is not Gaussian");
  if (first == 0) check_input(input, network);
  with_scalar(parameters, [&](auto scalar) {
    using T = decltype(scalar);
    const auto& sizes = network.layer_sizes();
    const Rows rows = rows_of(x, name);
    const RowSource& source = rows.source;
    check_columns(source, sizes[static_cast<std::size_t>(first)]);
    check_sparse_input(source, input);
    if (first == 0) check_first_layer(source, network);
    const index_t n_out = sizes[static_cast<std::size_t>(last)];
    const ForwardCall<T> call{network,
                              read_pointer<T>(parameters, network.n_parameters(), "parameters"),
                              source,
                              first,
                              last,
                              input,
                              write_pointer<T>(out, checked_mul(source.n_rows, n_out), "out"),
                              nullptr,
                              log_variance};
    if (source.n_rows == 0) return;
    const double work = static_cast<double>(source.n_rows) * network.work(first, last);
    const int threads = choose_threads(n_threads, work, kWorthATeam);
    compute([&] { forward(call, threads, signal_pending); });
  });
}

/// The result for one plain row (1-D, C-contiguous, of the parameters' dtype, `out` None or of the
/// same kind), or None for anything else: the way of serving, free of every other check.
template <class T>
py::object one_row(const Network& network, const py::array& parameters, const py::array& x,
                   const py::object& out, index_t first, index_t last, const InputOptions& input) {
  const auto plain = [](const py::array& a, index_t size) {
    return a.ndim() == 1 && a.shape(0) == size && a.dtype().is(py::dtype::of<T>()) &&
           a.strides(0) == index_t{sizeof(T)};
  };
  const auto& sizes = network.layer_sizes();
  const index_t n_in = sizes[static_cast<std::size_t>(first)];
  const index_t n_out = sizes[static_cast<std::size_t>(last)];
  if (!plain(parameters, network.n_parameters()) || !plain(x, n_in)) return py::none();
  py::array result;
  if (out.is_none()) {
    result = py::array_t<T>(n_out);
  } else {
    if (!py::isinstance<py::array>(out)) return py::none();
    result = py::reinterpret_borrow<py::array>(out);
    if (!plain(result, n_out) || !result.writeable()) return py::none();
    const auto begin = reinterpret_cast<std::uintptr_t>(result.data());
    const auto apart = [&](const py::array& a) {
      const auto other = reinterpret_cast<std::uintptr_t>(a.data());
      return begin + static_cast<std::uintptr_t>(result.nbytes()) <= other ||
             other + static_cast<std::uintptr_t>(a.nbytes()) <= begin;
    };
    if (!apart(x) || !apart(parameters)) return py::none();
  }
  RowSource source;
  source.data = static_cast<const char*>(x.data());
  source.element = sizeof(T) == sizeof(float) ? Element::float32 : Element::float64;
  source.n_rows = 1;
  source.n_columns = n_in;
  source.row_stride = n_in * index_t{sizeof(T)};
  source.column_stride = sizeof(T);
  const ForwardCall<T> call{network, static_cast<const T*>(parameters.data()), source, first, last,
                            input,   static_cast<T*>(result.mutable_data())};
  if (network.work(first, last) < kWorthTheGil) {
    forward(call, 1, Poll());
  } else {
    compute([&] { forward(call, 1, Poll()); });
  }
  return std::move(result);
}

py::object run_one_row(const Network& network, const py::object& parameters, const py::object& x,
                       const py::object& out, index_t first, index_t last,
                       const InputOptions& input) {
  if (!py::isinstance<py::array>(x) || first >= last || last > network.n_layers()) {
    return py::none();
  }
  if (first == 0) check_input(input, network);
  const auto weights = py::reinterpret_borrow<py::array>(parameters);
  const auto row = py::reinterpret_borrow<py::array>(x);
  if (weights.itemsize() == sizeof(float)) {
    return one_row<float>(network, weights, row, out, first, last, input);
  }
  return one_row<double>(network, weights, row, out, first, last, input);
}

/// rho_hat of the batch before: one number for each unit of the sparse layers, NaN where there was
/// none; null without it.
double* running_pointer(const Network& network, const ObjectiveOptions& objective,
                        OptionalArray& running) {
  if (!running) return nullptr;
  index_t n = 0;
  if (objective.sparse()) {
    for (const index_t l : objective.sparsity_layers) n += network.layer(l).n_out;
  }
  return write_pointer<double>(*running, n, "running");
}

ObjectiveParts run_evaluate(const Network& network, const py::array& parameters,
                            const Selection& rows, const ObjectiveOptions& objective,
                            std::optional<py::array> gradient, std::optional<py::array> row_loss,
                            int n_threads, std::uint32_t epoch = 0,
                            OptionalArray running = std::nullopt) {
  check_objective(objective, network);
  check_sparse_rows(rows.data.x, rows.data.target, objective);
  return with_scalar(parameters, [&](auto scalar) {
    using T = decltype(scalar);
    const index_t n = network.n_parameters();
    const EvaluateCall<T> call{
        network,
        objective,
        read_pointer<T>(parameters, n, "parameters"),
        rows.data,
        gradient ? write_pointer<T>(*gradient, n, "gradient") : nullptr,
        row_loss ? write_pointer<double>(*row_loss, rows.data.n_rows, "out") : nullptr,
        epoch,
        running_pointer(network, objective, running)};
    const double work =
        static_cast<double>(rows.data.n_rows) * objective_work(network, call.gradient != nullptr);
    const int threads = choose_threads(n_threads, work, kWorthATeam);
    ObjectiveParts parts;
    compute([&] { parts = evaluate(call, threads, signal_pending); });
    return parts;
  });
}

py::tuple bound_evaluate(const Network& network, const py::array& parameters, const py::object& x,
                         const py::object& target, const OptionalArray& sample_weight,
                         const OptionalArray& rows, const ObjectiveOptions& objective,
                         const OptionalArray& gradient, int n_threads, std::uint32_t epoch,
                         const OptionalArray& running, const py::object& target_distribution) {
  const Selection selection(network, x, target, sample_weight, rows, target_distribution);
  const ObjectiveParts parts = run_evaluate(network, parameters, selection, objective, gradient,
                                            std::nullopt, n_threads, epoch, running);
  return py::make_tuple(parts.loss, parts.weight_decay, parts.sparsity, parts.weight_l1,
                        parts.activity_l1, parts.contractive, parts.divergence, parts.clustering);
}

void row_losses(const Network& network, const py::array& parameters, const py::object& x,
                const py::object& target, const OptionalArray& rows, const py::array& out,
                const ObjectiveOptions& objective, int n_threads) {
  const ObjectiveOptions plain = without_penalties(objective);
  const Selection selection(network, x, target, std::nullopt, rows);
  run_evaluate(network, parameters, selection, plain, std::nullopt, out, n_threads);
}

using OnEpoch = std::function<bool(index_t, double, double, double)>;
using OnProgress = std::function<void(index_t, index_t)>;

/// Calls into Python from the training thread; an exception stays set and stops the training.
template <class Call>
bool stopped_by(Call&& call) {
  const py::gil_scoped_acquire acquire;
  try {
    return call();
  } catch (py::error_already_set& error) {
    error.restore();
    return true;
  }
}

index_t run_train(const Network& network, py::array& parameters, py::array& state,
                  const py::object& x, const py::object& target, const OptionalArray& sample_weight,
                  const OptionalArray& selected,
                  const std::optional<std::tuple<py::object, py::object, OptionalArray>>& held,
                  const ObjectiveOptions& objective, const OptimizerOptions& optimizer,
                  const ScheduleOptions& schedule, int n_threads, const OnEpoch& on_epoch,
                  const OnProgress& on_progress, TrainProgress* callers_progress,
                  OptionalArray running, const py::object& target_distribution) {
  check_objective(objective, network);
  AECORE_REQUIRE(schedule.batch_size > 0,
                 "batch_size must be positive; got " + std::to_string(schedule.batch_size));
  const Selection training(network, x, target, sample_weight, selected, target_distribution);
  std::optional<Selection> validation;
  if (held) {
    validation.emplace(network, std::get<0>(*held), std::get<1>(*held), std::nullopt,
                       std::get<2>(*held));
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

/// (epoch, loss, validation loss, seconds) of each.
py::list waiting_of(const TrainProgress& progress) {
  py::list reports;
  for (const EpochReport& r : progress.waiting) {
    reports.append(py::make_tuple(r.epoch, r.loss, r.validation_loss, r.seconds));
  }
  return reports;
}

void check_sparse(const py::object& x, const std::string& name) {
  const Rows rows = rows_of(x, name);
  compute([&] { check_structure(rows.source); });
}

/// (image, code, kernel, stride, padding, transposed), as aecore.reference.Convolution has them.
using Triple = std::array<index_t, 3>;
using ConvolutionTuple =
    std::tuple<Triple, Triple, Convolution::Pair, Convolution::Pair, Convolution::Pair, bool>;
using ConvolutionList = std::vector<std::optional<ConvolutionTuple>>;

Convolution convolution_of(const ConvolutionTuple& tuple) {
  const auto& [image, code, kernel, stride, padding, transposed] = tuple;
  return {{image[0], image[1], image[2]},
          {code[0], code[1], code[2]},
          kernel,
          stride,
          padding,
          transposed};
}

Network make_network(const std::vector<index_t>& sizes, const std::vector<std::string>& names,
                     bool tied_weights, index_t code_layer, index_t code_top_k, bool gaussian,
                     const ConvolutionList& list, index_t n_clusters) {
  std::vector<Activation> activations;
  for (const std::string& name : names) activations.push_back(activation_from_name(name));
  std::vector<Convolution> convolutions;
  for (const auto& each : list) {
    AECORE_REQUIRE(!each || (std::get<2>(*each)[0] > 0 && std::get<2>(*each)[1] > 0),
                   "convolutions must have kernels of at least 1 x 1");
    convolutions.push_back(each ? convolution_of(*each) : Convolution{});
  }
  return Network(sizes, activations, {tied_weights, code_layer, code_top_k, gaussian, n_clusters},
                 convolutions);
}

std::vector<std::string> activations_of(const Network& network) {
  std::vector<std::string> names;
  for (index_t l = 0; l < network.n_layers(); ++l) {
    names.push_back(to_string(network.layer(l).activation));
  }
  return names;
}

}  // namespace

void bind_network(py::module_& m) {
  using py::arg;
  py::class_<Network>(m, "Network")
      .def(py::init(&make_network), arg("layer_sizes"), arg("activations"),
           arg("tied_weights") = false, arg("code_layer") = -1, arg("code_top_k") = 0,
           arg("gaussian") = false, arg("convolutions") = ConvolutionList{}, arg("n_clusters") = 0)
      .def_property_readonly("tied_weights", &Network::tied)
      .def_property_readonly("layer_sizes", &Network::layer_sizes)
      .def_property_readonly("activations", &activations_of)
      .def_property_readonly("n_parameters", &Network::n_parameters)
      .def("initialize", &initialize, arg("parameters").noconvert(), arg("seed"))
      .def("forward", &run_forward, arg("parameters").noconvert(), arg("X").noconvert(),
           arg("out").noconvert(), arg("first_layer"), arg("last_layer"),
           arg("entry") = InputOptions{}, arg("n_threads") = 0, arg("name") = "X",
           arg("log_variance") = false)
      .def("one_row", &run_one_row, arg("parameters"), arg("X"), arg("out"), arg("first_layer"),
           arg("last_layer"), arg("entry"))
      .def("row_losses", &row_losses, arg("parameters").noconvert(), arg("X").noconvert(),
           arg("target"), arg("rows"), arg("out").noconvert(), arg("objective"),
           arg("n_threads") = 0)
      .def("evaluate", &bound_evaluate, arg("parameters").noconvert(), arg("X").noconvert(),
           arg("target"), arg("sample_weight"), arg("rows"), arg("objective"), arg("gradient"),
           arg("n_threads") = 0, arg("epoch") = 0, arg("running") = py::none(),
           arg("target_distribution") = py::none())
      .def("train", &run_train, arg("parameters").noconvert(), arg("optimizer_state").noconvert(),
           arg("X").noconvert(), arg("target"), arg("sample_weight"), arg("rows"),
           arg("validation"), arg("objective"), arg("optimizer"), arg("schedule"), arg("n_threads"),
           arg("on_epoch"), arg("on_progress"), arg("progress") = nullptr,
           arg("running") = py::none(), arg("target_distribution") = py::none());

  m.def("check_sparse", &check_sparse, arg("X"), arg("name"));
  py::class_<TrainProgress>(m, "Progress")
      .def(py::init<>())
      .def_readonly("steps", &TrainProgress::steps)
      .def_property_readonly("waiting", &waiting_of);
}

}  // namespace aecore
