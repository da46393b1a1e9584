#include "nn/evaluate.hpp"

namespace aecore {

double objective_work(const Network& network, bool with_gradient) {
  return (with_gradient ? 3.0 : 1.0) * network.work(0, network.n_layers());
}

template <class T>
ObjectiveParts evaluate(const EvaluateCall<T>& call, int n_threads, const Poll& poll) {
  BatchGradient<T> objective(call.network, call.options, call.x.n_rows, n_threads,
                             call.gradient != nullptr, call.target != nullptr);
  Batch batch;
  batch.x = &call.x;
  batch.target = call.target;
  batch.sample_weight = call.sample_weight;
  batch.range.n = call.x.n_rows;
  batch.row_loss = call.row_loss;
  PanelAction<T> action;
  action.kernel = kernels<T>().write_gradient;
  action.call.weights = const_cast<T*>(call.parameters);  // write_gradient only reads them
  action.call.out = call.gradient;
  action.call.weight_decay = static_cast<T>(call.options.weight_decay);
  run_team(n_threads, poll,
           [&](Worker& worker) { objective.run(worker, call.parameters, batch, action); });
  return objective.parts();
}

template ObjectiveParts evaluate<float>(const EvaluateCall<float>&, int, const Poll&);
template ObjectiveParts evaluate<double>(const EvaluateCall<double>&, int, const Poll&);

}  // namespace aecore
