#include "nn/step/row_pass.hpp"

namespace aecore {

template <class T>
RowPass<T>::RowPass(const Network& network, const ObjectiveOptions& options,
                    const GradientPlan& plan, const Shared& shared)
    : network_(network),
      options_(options),
      with_gradient_(plan.with_gradient),
      shared_(shared),
      leaving_out_(network, options, plan.n_threads),
      code_(network, options, plan.chunk_rows(network, options, sizeof(T)), plan.with_gradient),
      clustering_(network, options, plan.chunk_rows(network, options, sizeof(T))),
      hidden_(network, options, plan) {
  const bool whole_output = !plan.samples_output(network, options);
  for (index_t l = 0; l < network.n_layers(); ++l) {
    const bool kept = l == network.n_hidden() ? whole_output : with_gradient_;
    deltas_.emplace_back(kept ? plan.chunk_rows(network, options, sizeof(T)) : 0,
                         network.layer(l).n_out);
  }
}

template <class T>
MatrixPanels<const T> RowPass<T>::input_of(index_t product, const RowChunk& chunk) const {
  const index_t layer = network_.place(product);
  return layer == 0 ? shared_.rows.input(chunk) : hidden_.h(layer - 1, chunk);
}

/// Where a product of the way forward goes.
template <class T>
MatrixPanels<T> RowPass<T>::product_of(index_t product, const RowChunk& chunk) {
  if (product >= network_.n_layers()) return code_.log_variance().into_row(0);
  if (product == network_.n_hidden()) return delta(product).into_row(0);
  return hidden_.into_h(product, chunk);
}

template <class T>
GemmCall<T> RowPass<T>::forward_product(const PanelWeights<T>& weights, index_t product,
                                        const RowBlock& block) {
  const Layer& layer = network_.layer(product);
  GemmCall<T> call = panel_product(input_of(product, block.chunk), weights.product(product),
                                   product_of(product, block.chunk), layer.n_in, layer.n_out);
  call.row_begin = block.row;
  call.row_end = block.row + block.rows;
  return call;
}

template <class T>
BiasActivation<T> RowPass<T>::forward_context(const PanelWeights<T>& weights, index_t product,
                                              const RowChunk& chunk) {
  BiasActivation<T> context{weights.bias(product), network_.layer(product).activation, nullptr};
  if (product < network_.n_layers()) {
    const MatrixPanels<T> slope = hidden_.into_slope(product, chunk);
    context.slope = slope.data;
    context.slope_stride = slope.stride;
  }
  return context;
}

template <class T>
void RowPass<T>::enter_sparse(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk) {
  SparseBatch<T>& sparse = shared_.rows.sparse();
  const bool output = network_.n_hidden() == 0;  // then the loss follows
  for (index_t p = 0; p < network_.n_products(); ++p) {
    if (network_.place(p) != 0 || (p > 0 && !code_.draws(0))) continue;
    BiasActivation<T> context{};
    if (!output) context = forward_context(weights, p, chunk);
    sparse.multiply(team,
                    {sparse.by_column(), weights.product(p), product_of(p, chunk), chunk.rows,
                     network_.n_in(), network_.layer(p).n_out},
                    output ? nullptr : kernels<T>().bias_activation, &context);
  }
}

/// A product of the way forward with its bias and activation; `not_finite` as in BiasActivation.
template <class T>
void RowPass<T>::activate(const PanelWeights<T>& weights, const RowBlock& block, index_t product,
                          bool* not_finite) {
  BiasActivation<T> context = forward_context(weights, product, block.chunk);
  context.not_finite = not_finite;
  GemmCall<T> call = forward_product(weights, product, block);
  call.epilogue = kernels<T>().bias_activation;
  call.context = &context;
  kernels<T>().gemm(call);
}

template <class T>
void RowPass<T>::forward(const PanelWeights<T>& weights, const RowBlock& block, index_t first,
                         index_t last) {
  const BatchRows<T>& rows = shared_.rows;
  for (index_t l = first; l < last; ++l) {
    if (l > 0 || !rows.sparse().input()) {
      bool not_finite = false;
      activate(weights, block, l, l == 0 && rows.in_place(block.batch()) ? &not_finite : nullptr);
      if (not_finite) require_finite<T>(block.batch().data.x, block.range().first, block.rows);
    }
    if (code_.draws(l)) draw_code(weights, block, l);
    if (!leaving_out_.any(l)) continue;
    leaving_out_.run(l, block, hidden_.into_h(l, block.chunk, block.row),
                     hidden_.into_slope(l, block.chunk, block.row));
  }
}

/// Computes the log variance of a Gaussian layer, whose mean is computed already, and puts z in the
/// mean's place.
template <class T>
void RowPass<T>::draw_code(const PanelWeights<T>& weights, const RowBlock& block, index_t layer) {
  const index_t product = network_.layer(layer).log_variance;
  if (layer > 0 || !shared_.rows.sparse().input()) {
    activate(weights, block, product);
  }
  code_.draw(block, hidden_.into_h(layer, block.chunk, block.row),
             shared_.sums.weight(block.first()));
  shared_.sums.add_divergences(code_.divergence(), block);
}

template <class T>
void RowPass<T>::cluster(const PanelWeights<T>& weights, const RowBlock& block) {
  if (!clustering_.any()) return;
  const index_t code = network_.clustered();
  clustering_.run(block, weights.product(network_.clusters()),
                  {hidden_.h(code, block.chunk, block.row), shared_.sums.weight(block.first()),
                   with_gradient_ ? delta(code).into_row(block.row) : MatrixPanels<T>{}});
  shared_.sums.add_divergences(clustering_.divergence(), block);
  if (!with_gradient_) return;
  GemmCall<T> call = backward_product(weights, network_.clusters(), block);
  call.accumulate = true;
  if (network_.compares()) {
    kernels<T>().gemm(call);
    return;
  }
  const ActivationBackward<T> context = backward_context(code, block.chunk);
  call.epilogue = kernels<T>().activation_backward;
  call.context = &context;
  kernels<T>().gemm(call);
}

template <class T>
MatrixPanels<const T> RowPass<T>::delta_of(index_t product) const {
  if (product < network_.n_layers()) return deltas_[static_cast<std::size_t>(product)].from_row(0);
  return product == network_.clusters() ? clustering_.delta() : code_.delta();
}

/// delta W^T, to the deltas of the layer below.
template <class T>
GemmCall<T> RowPass<T>::backward_product(const PanelWeights<T>& weights, index_t product,
                                         const RowBlock& block) {
  const Layer& layer = network_.layer(product);
  GemmCall<T> call =
      panel_product(delta_of(product), weights.way_back(product),
                    delta(network_.place(product) - 1).into_row(0), layer.n_out, layer.n_in);
  call.row_begin = block.row;
  call.row_end = block.row + block.rows;
  return call;
}

/// From dJ/dh of a hidden layer to dJ/dz.
template <class T>
ActivationBackward<T> RowPass<T>::backward_context(index_t layer, const RowChunk& chunk) const {
  const MatrixPanels<const T> h = hidden_.h(layer, chunk);
  ActivationBackward<T> context{};
  context.activation = network_.layer(layer).activation;
  context.is_slope = hidden_.keeps_slope(layer);
  if (options_.activity_l1 > 0 && layer == options_.code_layer) {
    context.h = h.data;
    context.h_stride = h.stride;
    context.activity = static_cast<T>(options_.activity_l1);
  }
  const MatrixPanels<const T> kept = context.is_slope ? hidden_.slope(layer, chunk) : h;
  context.activations = kept.data;
  context.activations_stride = kept.stride;
  context.penalty = shared_.sparsity.penalty(layer);
  context.row_weight = shared_.sums.weight(chunk.first);
  if (layer < options_.n_contracted()) {
    const MatrixPanels<const T> by_z = shared_.contraction->by_z(layer);
    context.by_z = by_z.data;
    context.by_z_stride = by_z.stride;
  }
  return context;
}

/// use(epilogue, context): what makes dJ/dz of a hidden layer's dJ/dh.
template <class T>
template <class Use>
void RowPass<T>::use_backward(index_t layer, const RowChunk& chunk, Use use) {
  if (code_.draws(layer)) {
    const GaussianBackward<T> context = code_.backward();
    use(kernels<T>().gaussian_backward, &context);
  } else {
    const ActivationBackward<T> context = backward_context(layer, chunk);
    use(kernels<T>().activation_backward, &context);
  }
}

template <class T>
void RowPass<T>::backward(const PanelWeights<T>& weights, const RowBlock& block, index_t from) {
  for (index_t layer = from; layer > 0; --layer) {
    GemmCall<T> call = backward_product(weights, layer, block);
    if (code_.draws(layer)) {  // its two products meet
      kernels<T>().gemm(call);
      call = backward_product(weights, network_.layer(layer).log_variance, block);
      call.accumulate = true;
    } else if (layer - 1 == network_.clustered()) {
      call.accumulate = true;
    }
    use_backward(layer - 1, block.chunk, [&](Epilogue<T> epilogue, const void* context) {
      call.epilogue = epilogue;
      call.context = context;
      kernels<T>().gemm(call);
    });
  }
}

template <class T>
void RowPass<T>::backward_sparse(Team& team, const PanelWeights<T>& weights,
                                 const SparseColumns<T>& by_column, const RowChunk& chunk) {
  const index_t layer = network_.n_layers() - 1;
  use_backward(layer - 1, chunk, [&](Epilogue<T> epilogue, const void* context) {
    shared_.rows.sparse().multiply(
        team,
        {by_column, weights.way_back(layer), delta(layer - 1).into_row(0), chunk.rows,
         network_.n_out(), network_.layer(layer).n_in},
        epilogue, context);
  });
}

template class RowPass<float>;
template class RowPass<double>;

}  // namespace aecore
