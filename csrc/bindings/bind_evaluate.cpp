// The objective over all rows given: its terms and gradient, or the loss of each row.
#include "bindings/binders.hpp"
#include "bindings/data.hpp"
#include "bindings/running.hpp"
#include "nn/sparse/sparse_batch.hpp"
#include "nn/step/evaluate.hpp"

namespace aecore {

namespace {

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

py::dict bound_evaluate(const Network& network, const py::array& parameters, const Data& data,
                        const ObjectiveOptions& objective, const OptionalArray& gradient,
                        int n_threads, std::uint32_t epoch, const OptionalArray& running) {
  const Selection selection(network, data);
  const ObjectiveParts parts = run_evaluate(network, parameters, selection, objective, gradient,
                                            std::nullopt, n_threads, epoch, running);
  py::dict terms;
  for_each_field<ObjectiveParts>([&](const auto& each) { terms[each.name] = parts.*each.member; });
  return terms;
}

void row_losses(const Network& network, const py::array& parameters, const Data& data,
                const py::array& out, const ObjectiveOptions& objective, int n_threads) {
  Selection selection(network, data);
  selection.data.sample_weight = nullptr;  // a row's own loss has none
  run_evaluate(network, parameters, selection, without_penalties(objective), std::nullopt, out,
               n_threads);
}

}  // namespace

void bind_evaluate(py::class_<Network>& network) {
  using py::arg;
  network
      .def("evaluate", &bound_evaluate, arg("parameters").noconvert(), arg("data"),
           arg("objective"), py::kw_only(), arg("gradient") = py::none(), arg("n_threads") = 0,
           arg("epoch") = 0, arg("running") = py::none())
      .def("row_losses", &row_losses, arg("parameters").noconvert(), arg("data"),
           arg("out").noconvert(), py::kw_only(), arg("objective"), arg("n_threads") = 0);
}

}  // namespace aecore
