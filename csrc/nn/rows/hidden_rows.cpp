#include "nn/rows/hidden_rows.hpp"

namespace aecore {

namespace {

bool needs_slope(const Layer& layer, bool contracted, const ObjectiveOptions& options,
                 bool with_gradient) {
  if (layer.gaussian()) return false;
  return options.dropout > 0 || contracted ||
         (with_gradient && (slope_needs_z(layer.activation) || layer.top_k > 0));
}

}  // namespace

template <class T>
HiddenRows<T>::HiddenRows(const Network& network, const ObjectiveOptions& options,
                          const GradientPlan& plan)
    : n_whole_(options.last_sparse() + 1) {
  const index_t chunk_rows = plan.chunk_rows(network, options, sizeof(T));
  for (index_t l = 0; l < network.n_hidden(); ++l) {
    const Layer& layer = network.layer(l);
    const index_t rows = l < n_whole_ ? plan.max_rows : chunk_rows;
    h_.emplace_back(rows, layer.n_out);
    slope_.emplace_back();
    if (needs_slope(layer, l < options.n_contracted(), options, plan.with_gradient)) {
      slope_.back() = PanelMatrix<T>(rows, layer.n_out);
    }
  }
}

template class HiddenRows<float>;
template class HiddenRows<double>;

}  // namespace aecore
