#include "nn/evaluate.hpp"

#include <memory>

namespace aecore {

double objective_work(const Network& network, bool with_gradient) {
  return (with_gradient ? 3.0 : 1.0) * network.work(0, network.n_layers());
}

namespace {

// More rows than fit are taken in chunks; scratch up to this size is kept for the next call.
constexpr double kScratchBytes = 16.0 * 1024 * 1024;

/// What an evaluation needs besides its arrays. Kept by each calling thread: an optimiser asks for
/// the same evaluation hundreds of times, and fresh memory costs a page fault every 4 KB (measured:
/// as long as the computation itself for 10,000 rows of 64-25-64).
template <class T>
struct Evaluation {
  Network network;
  ObjectiveOptions options;
  GradientPlan plan;
  BatchGradient<T> gradient;
  PanelWeights<T> weights;
  std::vector<double> squares;  // ||W||^2 by layer

  Evaluation(const Network& n, const ObjectiveOptions& o, const GradientPlan& p)
      : network(n),
        options(o),
        plan(p),
        gradient(network, options, plan),
        weights(network, plan.with_gradient),
        squares(static_cast<std::size_t>(network.n_layers())) {}
  Evaluation(const Evaluation&) = delete;  // its parts point at each other

  bool serves(const Network& n, const ObjectiveOptions& o, const GradientPlan& p) const {
    return network == n && options == o && plan == p;
  }
};

template <class T>
Evaluation<T>& evaluation_for(const EvaluateCall<T>& call, const GradientPlan& plan) {
  static thread_local std::unique_ptr<Evaluation<T>> kept;
  if (!kept || !kept->serves(call.network, call.options, plan)) {
    kept.reset();  // before the new one is made: never two in memory
    kept = std::make_unique<Evaluation<T>>(call.network, call.options, plan);
  }
  return *kept;
}

}  // namespace

template <class T>
ObjectiveParts evaluate(const EvaluateCall<T>& call, int n_threads, const Poll& poll) {
  Evaluation<T>& e = evaluation_for(call, {call.x.n_rows, n_threads, call.gradient != nullptr,
                                           call.target != nullptr, kScratchBytes});
  Batch batch;
  batch.x = &call.x;
  batch.target = call.target;
  batch.sample_weight = call.sample_weight;
  batch.range.n = call.x.n_rows;
  batch.row_loss = call.row_loss;
  WeightAction<T> action;
  action.epilogue = kernels<T>().write_gradient;
  action.update.out = call.gradient;
  action.update.weight_decay = static_cast<T>(call.options.weight_decay);
  run_team(n_threads, poll, [&](Worker& worker) {
    worker.for_each(call.network.n_layers(), [&](index_t l) {
      const Layer& layer = call.network.layer(l);
      e.weights.load(l, call.parameters);
      e.squares[static_cast<std::size_t>(l)] =
          kernels<T>().sum_of_squares(call.parameters + layer.weights, layer.n_in * layer.n_out);
    });
    e.gradient.run(worker, e.weights, batch, action, false);
  });
  ObjectiveParts parts = e.gradient.parts();
  for (const double s : e.squares) parts.weight_decay += 0.5 * call.options.weight_decay * s;
  return parts;
}

template ObjectiveParts evaluate<float>(const EvaluateCall<float>&, int, const Poll&);
template ObjectiveParts evaluate<double>(const EvaluateCall<double>&, int, const Poll&);

}  // namespace aecore
