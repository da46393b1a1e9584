#include "nn/gradient.hpp"

#include <algorithm>

namespace aecore {

template <class T>
BatchGradient<T>::BatchGradient(const Network& network, const ObjectiveOptions& options,
                                const GradientPlan& plan)
    : network_(network),
      options_(options),
      with_gradient_(plan.with_gradient),
      sparsity_(network_, options_, plan.max_rows),
      leaving_out_(network_, options_, plan.n_threads),
      sparse_(options_, plan.sparse_input, plan.sparse_target,
              plan.chunk_rows(network, options, sizeof(T)), plan.n_threads),
      n_contracted_(options.contractive_weight > 0 ? options.code_layer + 1 : 0),
      chunk_rows_(plan.chunk_rows(network, options, sizeof(T))),
      block_rows_(plan.block_rows(network, chunk_rows_)),
      sums_(plan.max_rows, chunk_rows_),
      rows_(network_, options_, chunk_rows_, plan.separate_target, plan.sparse_input,
            plan.sparse_target),
      code_(network_, options_, chunk_rows_, with_gradient_),
      clustering_(network_, options_, chunk_rows_) {
  if (samples_output(network, options, plan.sparse_target)) {
    observed_.emplace(network_, options_, plan.n_threads);
  }
  if (options.trims()) trimming_.emplace(options.trim_fraction, plan.max_rows);
  allocate(plan);
  if (n_contracted_ > 0) {
    contraction_.emplace(network_, options_, chunk_rows_, with_gradient_);
    encoded_.h.resize(static_cast<std::size_t>(n_contracted_));
    encoded_.slopes.resize(static_cast<std::size_t>(n_contracted_));
  }
  if (with_gradient_) {
    weight_pass_.emplace(network, chunk_rows_, plan.clip || chunk_rows_ < plan.max_rows,
                         n_contracted_, plan.n_threads);
    const auto n_products = static_cast<std::size_t>(network.n_products());
    views_.inputs.resize(n_products);
    views_.deltas.resize(n_products);
  }
}

template <class T>
void BatchGradient<T>::allocate(const GradientPlan& plan) {
  const index_t width = kernels<T>().panel_width;
  const index_t n_layers = network_.n_layers();
  for (index_t l = 0; l < n_layers; ++l) {
    const index_t n_out = network_.layer(l).n_out;
    const bool output = l == network_.n_hidden();
    const index_t rows = l <= sparsity_.last() ? plan.max_rows : chunk_rows_;
    if (!output) activations_.emplace_back(rows, n_out);
    const bool kept = output ? !observed_ : with_gradient_;
    deltas_.emplace_back(kept ? chunk_rows_ : 0, n_out);
    slopes_.emplace_back(!output && keeps_slope(l) ? rows : 0, n_out);
  }
  partial_loss_ = AlignedBuffer<T>(plan.n_threads * block_rows_ * width);
}

/// Layers whose slopes are kept on the way forward, in a panel matrix beside their activations.
template <class T>
bool BatchGradient<T>::keeps_slope(index_t layer) const {
  const Layer& l = network_.layer(layer);
  if (l.gaussian()) return false;
  return options_.dropout > 0 || layer < n_contracted_ ||
         (with_gradient_ && (slope_needs_z(l.activation) || l.top_k > 0));
}

template <class T>
index_t BatchGradient<T>::hidden_row(index_t layer, const Chunk& chunk) const {
  return layer <= sparsity_.last() ? chunk.first : 0;
}

template <class T>
void BatchGradient<T>::run(Team& team, PanelWeights<T>& weights, const Batch& batch,
                           const WeightAction<T>& action, bool sum_squares) {
  const index_t n_rows = batch.range.n;
  sums_.weigh(batch);
  if (trimming_) trim(team, weights, batch);
  if (sparsity_.last() >= 0) encode_for_sparsity(team, weights, batch);
  for (index_t first = 0; first < n_rows; first += chunk_rows_) {
    const Chunk chunk{first, std::min(chunk_rows_, n_rows - first)};
    if (contraction_) contract(team, weights, batch, chunk);
    rows_pass(team, weights, batch, chunk);
    if (with_gradient_) weights_pass(team, weights, batch, chunk, action, sum_squares);
  }
  finish_parts(batch, sum_squares);
}

/// The sparse sides of a chunk, all rows at once; `encode`: and through the first layer.
template <class T>
void BatchGradient<T>::enter_sparse(Team& team, const PanelWeights<T>& weights, const Batch& batch,
                                    const Chunk& chunk, bool encode) {
  if (!sparse_.input() && !sparse_.target()) return;
  sparse_.gather(team, batch.data.x, batch.data.target, batch.part(chunk.first, chunk.rows),
                 batch.epoch, block_rows_);
  if (!sparse_.input() || !encode) return;
  const bool output = network_.n_hidden() == 0;  // then the loss follows
  for (index_t p = 0; p < network_.n_products(); ++p) {
    if (network_.place(p) != 0 || (p > 0 && !code_.draws(0))) continue;
    BiasActivation<T> context{};
    if (!output) context = hidden_activation(weights, p, chunk);
    sparse_.multiply(
        team,
        {sparse_.by_column(), weights.product(p), product_of(p).into_row(product_row(p, chunk)),
         chunk.rows, network_.n_in(), network_.layer(p).n_out},
        output ? nullptr : kernels<T>().bias_activation, &context);
  }
}

/// What a product multiplies: the chunk's rows, or the layer below.
template <class T>
MatrixPanels<const T> BatchGradient<T>::input_of(index_t product, const Batch& batch,
                                                 const Chunk& chunk) const {
  const index_t layer = network_.place(product);
  if (layer == 0) return rows_.input(batch, chunk.first);
  return activations_[static_cast<std::size_t>(layer - 1)].from_row(hidden_row(layer - 1, chunk));
}

/// Where a product of the way forward goes.
template <class T>
PanelMatrix<T>& BatchGradient<T>::product_of(index_t product) {
  if (product >= network_.n_layers()) return code_.log_variance();
  const auto l = static_cast<std::size_t>(product);
  return product == network_.n_hidden() ? deltas_[l] : activations_[l];
}

/// The scratch row of a chunk's first.
template <class T>
index_t BatchGradient<T>::product_row(index_t product, const Chunk& chunk) const {
  return product >= network_.n_hidden() ? 0 : hidden_row(product, chunk);
}

template <class T>
GemmCall<T> BatchGradient<T>::forward_product(const PanelWeights<T>& weights, index_t product,
                                              const Batch& batch, const Chunk& chunk, index_t row,
                                              index_t rows) {
  const Layer& layer = network_.layer(product);
  GemmCall<T> call = panel_product(input_of(product, batch, chunk), weights.product(product),
                                   product_of(product).into_row(product_row(product, chunk)),
                                   layer.n_in, layer.n_out);
  call.row_begin = row;
  call.row_end = row + rows;
  return call;
}

template <class T>
BiasActivation<T> BatchGradient<T>::hidden_activation(const PanelWeights<T>& weights, index_t layer,
                                                      const Chunk& chunk) {
  BiasActivation<T> context{weights.bias(layer), network_.layer(layer).activation, nullptr};
  if (layer < network_.n_layers() && keeps_slope(layer)) {
    PanelMatrix<T>& slope = slopes_[static_cast<std::size_t>(layer)];
    context.slope = slope.row(hidden_row(layer, chunk));
    context.slope_stride = slope.stride();
  }
  return context;
}

template <class T>
void BatchGradient<T>::forward_hidden(const PanelWeights<T>& weights, index_t first, index_t last,
                                      const Batch& batch, const Chunk& chunk, index_t row,
                                      index_t rows, int worker) {
  bool not_finite = false;
  for (index_t l = first; l < last; ++l) {
    if (l > 0 || !sparse_.input()) {
      BiasActivation<T> context = hidden_activation(weights, l, chunk);
      if (l == 0 && rows_.in_place(batch)) context.not_finite = &not_finite;
      GemmCall<T> call = forward_product(weights, l, batch, chunk, row, rows);
      call.epilogue = kernels<T>().bias_activation;
      call.context = &context;
      kernels<T>().gemm(call);
      if (not_finite) require_finite<T>(batch.data.x, batch.range.first + chunk.first + row, rows);
      not_finite = false;
    }
    if (code_.draws(l)) draw_code(weights, l, batch, chunk, row, rows);
    if (!leaving_out_.any(l)) continue;
    const index_t at = hidden_row(l, chunk) + row;
    leaving_out_.run(
        l, batch.part(chunk.first + row, rows), batch.epoch,
        activations_[static_cast<std::size_t>(l)].into_row(at),
        keeps_slope(l) ? slopes_[static_cast<std::size_t>(l)].into_row(at) : MatrixPanels<T>{},
        worker);
  }
}

/// The log variance of a Gaussian layer, whose mean is there, and z in the mean's place.
template <class T>
void BatchGradient<T>::draw_code(const PanelWeights<T>& weights, index_t layer, const Batch& batch,
                                 const Chunk& chunk, index_t row, index_t rows) {
  const index_t product = network_.layer(layer).log_variance;
  if (layer > 0 || !sparse_.input()) {
    const BiasActivation<T> context = hidden_activation(weights, product, chunk);
    GemmCall<T> call = forward_product(weights, product, batch, chunk, row, rows);
    call.epilogue = kernels<T>().bias_activation;
    call.context = &context;
    kernels<T>().gemm(call);
  }
  const index_t first = chunk.first + row;
  PanelMatrix<T>& z = activations_[static_cast<std::size_t>(layer)];
  code_.draw({batch.part(first, rows), batch.epoch, row, z.into_row(hidden_row(layer, chunk) + row),
              sums_.weight(first), batch.warm_up});
  sums_.add_divergences(code_.divergence(), chunk.first, row, rows);
}

/// The divergence of the code's soft assignment, and where a gradient is asked for its derivative
/// by the code: dJ/dh of that layer, or a part of it that the decoder adds to.
template <class T>
void BatchGradient<T>::cluster_code(const PanelWeights<T>& weights, const Batch& batch,
                                    const Chunk& chunk, index_t row, index_t rows) {
  const index_t first = chunk.first + row, code = network_.clustered();
  PanelMatrix<T>& h = activations_[static_cast<std::size_t>(code)];
  PanelMatrix<T>& by_code = deltas_[static_cast<std::size_t>(code)];
  clustering_.run(
      *batch.data.clusters, weights.product(network_.clusters()),
      {batch.part(first, rows), row, h.from_row(hidden_row(code, chunk) + row), sums_.weight(first),
       with_gradient_ ? by_code.into_row(row) : MatrixPanels<T>{}});
  sums_.add_divergences(clustering_.divergence(), chunk.first, row, rows);
  if (!with_gradient_) return;
  GemmCall<T> call = backward_product(weights, network_.clusters(), row, rows);
  call.accumulate = true;
  if (network_.compares()) {
    kernels<T>().gemm(call);
    return;
  }
  const ActivationBackward<T> context = hidden_backward(code, chunk);
  call.epilogue = kernels<T>().activation_backward;
  call.context = &context;
  kernels<T>().gemm(call);
}

template <class T>
void BatchGradient<T>::output_loss(const PanelWeights<T>& weights, const Batch& batch,
                                   const Chunk& chunk, index_t row, index_t rows, int n_workers,
                                   int worker) {
  const Kernels<T>& k = kernels<T>();
  const Layer& layer = network_.output();
  OutputLoss<T> context{};
  context.output = {weights.bias(network_.n_layers() - 1), layer.activation, nullptr};
  context.loss = options_.loss;
  if (sparse_.target()) {
    context.sparse = &sparse_.as_target();
    std::copy(context.sparse->begin + row, context.sparse->begin + row + rows,
              context.sparse->next + row);
  } else {
    const MatrixPanels<const T> target = rows_.target(batch, chunk.first);
    context.target = target.data;
    context.target_row = target.row;
    context.target_stride = target.stride;
  }
  context.feature_weight = rows_.feature_weight().data;
  context.feature_weight_stride = rows_.feature_weight().stride;
  context.row_weight = sums_.weight(chunk.first);
  context.n_columns = layer.n_out;
  context.row_loss = sums_.loss();
  context.partial = partial_loss_.data() + worker * block_rows_ * k.panel_width;
  context.partial_row = row;
  std::fill(sums_.loss() + row, sums_.loss() + row + rows, 0.0);
  GemmCall<T> call = forward_product(weights, network_.n_layers() - 1, batch, chunk, row, rows);
  call.prologue = sparse_.target() ? nullptr : k.fetch_target;
  call.epilogue = k.output_loss;
  call.context = &context;
  // What this worker is likely to gather next.
  RowFetch ahead = plan_fetch(
      batch.data.x, batch.range,
      batch.range.first + chunk.first + row + std::min(n_workers * block_rows_, batch.range.n),
      rows);
  call.ahead = &ahead;
  if (options_.loss == Loss::multinomial) {  // the product leaves z, the loss takes whole rows
    context.output.activation = Activation::identity;
    call.epilogue = k.bias_activation;
    call.context = &context.output;
    call.prologue = nullptr;
  }
  if (network_.n_layers() == 1 && sparse_.input()) {
    k.finish(call);  // the product is there
  } else {
    k.gemm(call);
  }
  if (options_.loss == Loss::multinomial) {
    PanelMatrix<T>& z = deltas_.back();
    k.multinomial_loss(context, z.row(row), z.stride(), row, rows);
  }
}

/// dJ/dz of what a product made.
template <class T>
MatrixPanels<const T> BatchGradient<T>::delta_of(index_t product) const {
  if (product < network_.n_layers()) return deltas_[static_cast<std::size_t>(product)].from_row(0);
  return product == network_.clusters() ? clustering_.delta() : code_.delta();
}

/// delta W^T, to the deltas of the layer below.
template <class T>
GemmCall<T> BatchGradient<T>::backward_product(const PanelWeights<T>& weights, index_t product,
                                               index_t row, index_t rows) {
  const Layer& layer = network_.layer(product);
  PanelMatrix<T>& below = deltas_[static_cast<std::size_t>(network_.place(product) - 1)];
  GemmCall<T> call = panel_product(delta_of(product), weights.way_back(product), below.into_row(0),
                                   layer.n_out, layer.n_in);
  call.row_begin = row;
  call.row_end = row + rows;
  return call;
}

/// From dJ/dh of a hidden layer to dJ/dz.
template <class T>
ActivationBackward<T> BatchGradient<T>::hidden_backward(index_t layer, const Chunk& chunk) {
  const auto l = static_cast<std::size_t>(layer);
  ActivationBackward<T> context{};
  context.activation = network_.layer(layer).activation;
  context.is_slope = keeps_slope(layer);
  if (options_.activity_l1 > 0 && layer == options_.code_layer) {
    const PanelMatrix<T>& code = activations_[l];
    context.h = code.row(hidden_row(layer, chunk));
    context.h_stride = code.stride();
    context.activity = static_cast<T>(options_.activity_l1);
  }
  const PanelMatrix<T>& kept = (context.is_slope ? slopes_ : activations_)[l];
  context.activations = kept.row(hidden_row(layer, chunk));
  context.activations_stride = kept.stride();
  context.penalty = sparsity_.penalty(layer);
  context.row_weight = sums_.weight(chunk.first);
  if (layer < n_contracted_) {
    const MatrixPanels<const T> by_z = contraction_->by_z(layer);
    context.by_z = by_z.data;
    context.by_z_stride = by_z.stride;
  }
  return context;
}

/// use(epilogue, context): what makes dJ/dz of a hidden layer's dJ/dh.
template <class T>
template <class Use>
void BatchGradient<T>::use_backward(index_t layer, const Chunk& chunk, Use use) {
  if (code_.draws(layer)) {
    const GaussianBackward<T> context = code_.backward();
    use(kernels<T>().gaussian_backward, &context);
  } else {
    const ActivationBackward<T> context = hidden_backward(layer, chunk);
    use(kernels<T>().activation_backward, &context);
  }
}

/// From dJ/dz of layer `from` to that of all below.
template <class T>
void BatchGradient<T>::backward(const PanelWeights<T>& weights, index_t from, const Chunk& chunk,
                                index_t row, index_t rows) {
  for (index_t layer = from; layer > 0; --layer) {
    GemmCall<T> call = backward_product(weights, layer, row, rows);
    if (code_.draws(layer)) {  // its two products meet
      kernels<T>().gemm(call);
      call = backward_product(weights, network_.layer(layer).log_variance, row, rows);
      call.accumulate = true;
    } else if (layer - 1 == network_.clustered()) {
      call.accumulate = true;
    }
    use_backward(layer - 1, chunk, [&](Epilogue<T> epilogue, const void* context) {
      call.epilogue = epilogue;
      call.context = context;
      kernels<T>().gemm(call);
    });
  }
}

/// body(row, rows, worker) for the blocks of a chunk.
template <class T>
template <class Body>
void BatchGradient<T>::for_blocks(Team& team, const Chunk& chunk, Body body) const {
  team.for_each(ceil_div(chunk.rows, block_rows_), [&](index_t block, int worker) {
    const index_t row = block * block_rows_;
    body(row, std::min(block_rows_, chunk.rows - row), worker);
  });
}

/// Weighs the rows by their losses, which the whole way forward tells. What J is made of reads the
/// weights, so it comes after.
template <class T>
void BatchGradient<T>::trim(Team& team, const PanelWeights<T>& weights, const Batch& batch) {
  const index_t n_rows = batch.range.n;
  for (index_t first = 0; first < n_rows; first += chunk_rows_) {
    const Chunk chunk{first, std::min(chunk_rows_, n_rows - first)};
    enter_sparse(team, weights, batch, chunk, true);
    for_blocks(team, chunk, [&](index_t row, index_t rows, int worker) {
      rows_.gather(batch, chunk.first, row, rows);
      forward_hidden(weights, 0, network_.n_layers() - 1, batch, chunk, row, rows, worker);
      output_loss(weights, batch, chunk, row, rows, team.size(), worker);
    });
    trimming_->take(sums_.loss(), first, chunk.rows);
  }
  trimming_->run(sums_.changing_weights(), n_rows);
}

/// Whether `trim` has left the rows and all hidden layers in scratch. Not the output, which the
/// loss has overwritten: where there is no other layer, sparse rows come in anew.
template <class T>
bool BatchGradient<T>::is_run(const Batch& batch, const Chunk& chunk) const {
  return trimming_ && chunk.rows == batch.range.n && network_.n_layers() > 1;
}

template <class T>
void BatchGradient<T>::encode_for_sparsity(Team& team, const PanelWeights<T>& weights,
                                           const Batch& batch) {
  const index_t n_rows = batch.range.n;
  for (index_t first = 0; first < n_rows; first += chunk_rows_) {
    const Chunk chunk{first, std::min(chunk_rows_, n_rows - first)};
    const bool run = is_run(batch, chunk);
    if (!run) enter_sparse(team, weights, batch, chunk, true);
    for_blocks(team, chunk, [&](index_t row, index_t rows, int worker) {
      if (!run) {
        rows_.gather(batch, chunk.first, row, rows);
        forward_hidden(weights, 0, sparsity_.last() + 1, batch, chunk, row, rows, worker);
      }
      sparsity_.add_rows(activations_, sums_.weight(0), first + row, rows);
    });
  }
  sparsity_.finish(n_rows, options_.sparsity_momentum > 0 ? batch.running : nullptr);
  parts_.sparsity = sparsity_.value();
}

/// The chunk's rows as far as the code, and their contractive penalty.
template <class T>
void BatchGradient<T>::contract(Team& team, const PanelWeights<T>& weights, const Batch& batch,
                                const Chunk& chunk) {
  if (!is_gathered(batch, chunk)) {
    enter_sparse(team, weights, batch, chunk, sparsity_.last() < 0);
  }
  for_blocks(team, chunk, [&](index_t row, index_t rows, int worker) {
    if (is_run(batch, chunk)) return;
    if (!is_gathered(batch, chunk)) rows_.gather(batch, chunk.first, row, rows);
    forward_hidden(weights, sparsity_.last() + 1, n_contracted_, batch, chunk, row, rows, worker);
  });
  for (index_t l = 0; l < n_contracted_; ++l) {
    const auto i = static_cast<std::size_t>(l);
    encoded_.h[i] = activations_[i].from_row(hidden_row(l, chunk));
    encoded_.slopes[i] = slopes_[i].from_row(hidden_row(l, chunk));
  }
  encoded_.row_weight = sums_.weight(chunk.first);
  encoded_.n = chunk.rows;
  contraction_->run(team, weights, encoded_, chunk.first == 0,
                    with_gradient_ ? weight_pass_->held() : nullptr);
}

/// Whether an earlier pass has left the rows in scratch: unless it went over several chunks.
template <class T>
bool BatchGradient<T>::is_gathered(const Batch& batch, const Chunk& chunk) const {
  return is_run(batch, chunk) || (sparsity_.last() >= 0 && chunk.rows == batch.range.n);
}

template <class T>
void BatchGradient<T>::rows_pass(Team& team, PanelWeights<T>& weights, const Batch& batch,
                                 const Chunk& chunk) {
  const bool gathered = contraction_ || is_gathered(batch, chunk);
  const index_t encoded = is_run(batch, chunk) ? network_.n_layers() - 1
                                               : std::max(sparsity_.last() + 1, n_contracted_);
  if (!gathered) enter_sparse(team, weights, batch, chunk, encoded == 0);
  for_blocks(team, chunk, [&](index_t row, index_t rows, int worker) {
    if (!gathered) rows_.gather(batch, chunk.first, row, rows);
    forward_hidden(weights, encoded, network_.n_hidden(), batch, chunk, row, rows, worker);
    if (clustering_.any()) cluster_code(weights, batch, chunk, row, rows);
    if (options_.activity_l1 > 0) {
      const index_t code = options_.code_layer;
      sums_.add_sizes(
          activations_[static_cast<std::size_t>(code)].from_row(hidden_row(code, chunk)),
          network_.layer(code).n_out, chunk.first, row, rows);
    }
    if (observed_) return;
    if (network_.compares()) {
      output_loss(weights, batch, chunk, row, rows, team.size(), worker);
      sums_.add_losses(batch, chunk.first, row, rows);
    }
    if (with_gradient_) backward(weights, network_.n_layers() - 1, chunk, row, rows);
  });
  if (observed_) observed_pass(team, weights, batch, chunk);
}

/// The output and the way back from it, with the entries of all rows at once: products with them go
/// column by column, as those of sparse rows do.
template <class T>
void BatchGradient<T>::observed_pass(Team& team, const PanelWeights<T>& weights, const Batch& batch,
                                     const Chunk& chunk) {
  const index_t last = network_.n_layers() - 1;
  const auto below = static_cast<std::size_t>(last - 1);
  observed_->multiply(team, sparse_.target_rows(), weights,
                      activations_[below].from_row(hidden_row(last - 1, chunk)));
  for_blocks(team, chunk, [&](index_t row, index_t rows, int worker) {
    observed_->loss(row, rows, weights.bias(last), sums_.weight(chunk.first), sums_.loss(), worker);
    sums_.add_losses(batch, chunk.first, row, rows);
  });
  if (!with_gradient_) return;
  use_backward(last - 1, chunk, [&](Epilogue<T> epilogue, const void* context) {
    sparse_.multiply(team,
                     {observed_->deltas(), weights.way_back(last), deltas_[below].into_row(0),
                      chunk.rows, network_.n_out(), network_.layer(last).n_in},
                     epilogue, context);
  });
  if (last == 1) return;
  for_blocks(team, chunk, [&](index_t row, index_t rows, int) {
    backward(weights, last - 1, chunk, row, rows);
  });
}

template <class T>
void BatchGradient<T>::weights_pass(Team& team, PanelWeights<T>& weights, const Batch& batch,
                                    const Chunk& chunk, const WeightAction<T>& action,
                                    bool sum_squares) {
  const index_t n_rows = batch.range.n;
  for (index_t p = 0; p < network_.n_products(); ++p) {
    const auto i = static_cast<std::size_t>(p);
    const bool sparse = network_.place(p) == 0 && sparse_.input();
    views_.inputs[i] = {input_of(p, batch, chunk), sparse ? &sparse_.by_column() : nullptr};
    views_.deltas[i] = {delta_of(p)};
  }
  if (observed_) {
    views_.deltas[static_cast<std::size_t>(network_.n_layers() - 1)].sparse = &observed_->deltas();
  }
  weight_pass_->run(team, views_.inputs, views_.deltas,
                    {chunk.rows, chunk.first == 0, chunk.first + chunk.rows == n_rows}, weights,
                    action, sum_squares);
}

template <class T>
void BatchGradient<T>::finish_parts(const Batch& batch, bool sum_squares) {
  const index_t n_rows = batch.range.n;
  const double divergence = sums_.total_divergence(n_rows);
  parts_.divergence = clustering_.any() ? 0 : batch.warm_up * options_.beta * divergence;
  parts_.clustering = clustering_.any() ? options_.clustering_weight * divergence : 0;
  parts_.loss = sums_.total_loss(n_rows);
  if (sum_squares) {
    parts_.weight_decay = 0.5 * options_.weight_decay * weight_pass_->squares();
  }
  if (with_gradient_) parts_.weight_l1 = options_.weight_l1 * weight_pass_->sizes();
  if (contraction_) parts_.contractive = contraction_->value();
  if (options_.activity_l1 > 0) {
    parts_.activity_l1 = options_.activity_l1 * sums_.total_size(n_rows);
  }
}

template class BatchGradient<float>;
template class BatchGradient<double>;

}  // namespace aecore
