#include "nn/step/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "nn/step/gradient.hpp"

namespace aecore {

double objective_work(const Network& network, bool with_gradient) {
  return (with_gradient ? 3.0 : 1.0) * network.work(0, network.n_products());
}

namespace {

// More rows than fit are taken in chunks. Their activations should stay in the second-level cache
// (64-25-64: 1.29 to 1.17 ms with 1 instead of 16 MB), but each chunk reads and writes the whole
// gradient, which should be the lesser part.
constexpr double kMinScratchBytes = 1.0 * 1024 * 1024;
constexpr double kMaxScratchBytes = 16.0 * 1024 * 1024;
constexpr double kScratchToGradient = 4;
constexpr double kMaxKeptBytes = 64.0 * 1024 * 1024;

/// What an evaluation needs besides its arrays. Kept by each calling thread: an optimiser asks for
/// the same evaluation hundreds of times, and fresh memory costs a page fault every 4 KB (measured:
/// 10 % of an evaluation of 5,000 rows of 100-25-100).
template <class T>
struct Evaluation {
  Network network;
  ObjectiveOptions options;
  GradientPlan plan;
  BatchGradient<T> gradient;
  PanelWeights<T> weights;
  std::vector<double> squares;  // ||W||^2 by layer
  std::vector<double> sizes;    // |W| by layer, where there is a term of it

  Evaluation(const Network& n, const ObjectiveOptions& o, const GradientPlan& p)
      : network(n),
        options(o),
        plan(p),
        gradient(network, options, plan),
        weights(network,
                plan.with_gradient || options.contractive_weight > 0 || options.observed_only),
        squares(static_cast<std::size_t>(network.n_products())),
        sizes(squares.size()) {}
  Evaluation(const Evaluation&) = delete;  // its parts point at each other

  bool serves(const Network& n, const ObjectiveOptions& o, const GradientPlan& p) const {
    return network == n && options == o && plan == p;
  }
};

/// The calling thread's scratch of the last evaluation. It is taken out while it is in use: a
/// signal handler that runs meanwhile may evaluate too, and what an exception leaves half done is
/// dropped.
template <class T>
std::unique_ptr<Evaluation<T>>& kept_evaluation() {
  static thread_local std::unique_ptr<Evaluation<T>> kept;
  return kept;
}

template <class T>
std::unique_ptr<Evaluation<T>> take_evaluation(const EvaluateCall<T>& call,
                                               const GradientPlan& plan) {
  std::unique_ptr<Evaluation<T>> taken = std::move(kept_evaluation<T>());
  if (taken && taken->serves(call.network, call.options, plan)) return taken;
  taken.reset();  // before the new one is made: never two in memory
  return std::make_unique<Evaluation<T>>(call.network, call.options, plan);
}

template <class T>
double scratch_bytes(const EvaluateCall<T>& call) {
  const double gradient = sizeof(T) * static_cast<double>(call.network.n_parameters());
  return std::clamp(kScratchToGradient * gradient, kMinScratchBytes, kMaxScratchBytes);
}

/// What an evaluation holds on to, about: a chunk of rows, weights twice, and with sparsity the
/// activations of all rows.
template <class T>
double kept_bytes(const EvaluateCall<T>& call) {
  double widths = 0;
  for (const index_t size : call.network.layer_sizes()) widths += static_cast<double>(size);
  const double rows = call.options.sparse() ? static_cast<double>(call.data.n_rows) * widths : 0;
  return scratch_bytes(call) +
         sizeof(T) * (rows + 2 * static_cast<double>(call.network.n_parameters()));
}

template <class T>
double sum_of_sizes(const T* x, index_t n) {
  double sum = 0;
  for (index_t i = 0; i < n; ++i) sum += std::abs(static_cast<double>(x[i]));
  return sum;
}

}  // namespace

template <class T>
ObjectiveParts evaluate(const EvaluateCall<T>& call, int n_threads, const Poll& poll) {
  std::unique_ptr<Evaluation<T>> taken =
      take_evaluation(call, GradientPlan{call.data.n_rows, n_threads, call.gradient != nullptr,
                                         false, scratch_bytes(call)}
                                .for_data(call.data, call.network));
  Evaluation<T>& e = *taken;
  const Batch batch{call.data, call.data.range(0, call.data.n_rows), call.row_loss, call.epoch,
                    call.running};
  WeightAction<T> action;
  action.epilogue = kernels<T>().write_gradient;
  action.update.out = call.gradient;
  action.update.weight_decay = static_cast<T>(call.options.weight_decay);
  action.update.weight_l1 = static_cast<T>(call.options.weight_l1);
  run_team(n_threads, poll, [&](Team& team) {
    team.for_each(call.network.n_products(), [&](index_t l, int) {
      const Layer& layer = call.network.layer(l);
      e.weights.load(l, call.parameters);
      if (layer.tied() || layer.centers) return;  // weights count once, centres do not
      if (call.options.weight_l1 > 0) {
        e.sizes[static_cast<std::size_t>(l)] = sum_of_sizes(
            call.parameters + layer.weights, layer.weight_rows() * layer.weight_columns());
      }
      e.squares[static_cast<std::size_t>(l)] = kernels<T>().sum_of_squares(
          call.parameters + layer.weights, layer.weight_rows() * layer.weight_columns());
    });
    e.gradient.run(team, e.weights, batch, action, false);
  });
  ObjectiveParts parts = e.gradient.parts();
  for (const double s : e.squares) parts.weight_decay += 0.5 * call.options.weight_decay * s;
  parts.weight_l1 = 0;
  for (const double s : e.sizes) parts.weight_l1 += call.options.weight_l1 * s;
  if (kept_bytes(call) <= kMaxKeptBytes) kept_evaluation<T>() = std::move(taken);
  return parts;
}

template ObjectiveParts evaluate<float>(const EvaluateCall<float>&, int, const Poll&);
template ObjectiveParts evaluate<double>(const EvaluateCall<double>&, int, const Poll&);

}  // namespace aecore
