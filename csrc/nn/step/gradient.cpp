#include "nn/step/gradient.hpp"

#include <algorithm>
#include <cmath>

namespace aecore {

template <class T>
BatchGradient<T>::BatchGradient(const Network& network, const ObjectiveOptions& options,
                                const GradientPlan& plan)
    : network_(network),
      options_(options),
      with_gradient_(plan.with_gradient),
      n_contracted_(options.n_contracted()),
      chunk_rows_(plan.chunk_rows(network, options, sizeof(T))),
      block_rows_(plan.block_rows(network, options, sizeof(T))),
      rows_(network_, options_, plan),
      sums_(plan.max_rows, chunk_rows_),
      sparsity_(network_, options_, plan.max_rows),
      pass_(network_, options_, plan, {rows_, sums_, sparsity_, contraction_}),
      output_(network_, options_, plan, rows_, sums_) {
  if (plan.samples_output(network, options)) {
    observed_.emplace(network_, options_, plan.n_threads);
  }
  if (options.trims()) trimming_.emplace(options.trim_fraction, plan.max_rows);
  if (n_contracted_ > 0) {
    contraction_.emplace(network_, options_, chunk_rows_, with_gradient_);
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
void BatchGradient<T>::run(Team& team, PanelWeights<T>& weights, const Batch& batch,
                           const WeightAction<T>& action, bool sum_squares) {
  sums_.weigh(batch);
  reached_ = {};
  if (trimming_) trim(team, weights, batch);
  if (sparsity_.last() >= 0) encode_for_sparsity(team, weights, batch);
  for_chunks(batch, [&](const RowChunk& chunk) {
    if (contraction_) contract(team, weights, chunk);
    rows_pass(team, weights, chunk);
    if (with_gradient_) weights_pass(team, weights, chunk, action, sum_squares);
  });
  finish_parts(batch, sum_squares);
}

/// body(chunk) for the chunks of a batch, each of which is as far as the last pass left it.
template <class T>
template <class Body>
void BatchGradient<T>::for_chunks(const Batch& batch, Body body) {
  const index_t n_rows = batch.range.n;
  const Reached before = reached_;
  for (index_t first = 0; first < n_rows; first += chunk_rows_) {
    reached_ = before;
    body(RowChunk{batch, first, std::min(chunk_rows_, n_rows - first)});
  }
  if (n_rows > chunk_rows_) reached_ = {false, std::min(reached_.layers, pass_.hidden().n_whole())};
}

/// body(block) for the blocks of a chunk.
template <class T>
template <class Body>
void BatchGradient<T>::for_blocks(Team& team, const RowChunk& chunk, Body body) const {
  const index_t ahead = std::min(team.size() * block_rows_, chunk.batch.range.n);
  team.for_each(ceil_div(chunk.rows, block_rows_), [&](index_t block, int worker) {
    const index_t row = block * block_rows_;
    body(RowBlock{chunk, row, std::min(block_rows_, chunk.rows - row), worker, ahead});
  });
}

/// Takes a chunk's rows from where they are through the first `layers` hidden layers, and calls
/// then(block) for each block while it is in cache. Without hidden layers sparse rows go into the
/// output, each time anew: the loss overwrites it.
template <class T>
template <class Then>
void BatchGradient<T>::advance(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk,
                               index_t layers, Then then) {
  const Reached before = reached_;
  reached_ = {true, std::max(before.layers, layers)};
  if (!before.gathered) rows_.sparse().gather(team, chunk);
  if (before.layers == 0 && rows_.sparse().input()) pass_.enter_sparse(team, weights, chunk);
  for_blocks(team, chunk, [&](const RowBlock& block) {
    if (!before.gathered) rows_.gather(block);
    pass_.forward(weights, block, before.layers, layers);
    then(block);
  });
}

template <class T>
void BatchGradient<T>::compare(const PanelWeights<T>& weights, const RowBlock& block) {
  output_.run(pass_.output(weights, block), weights.bias(network_.n_layers() - 1), block);
}

/// Takes the weights of the rows with the largest losses, which only the whole way forward tells.
/// Every term of J reads the weights, so this comes first.
template <class T>
void BatchGradient<T>::trim(Team& team, const PanelWeights<T>& weights, const Batch& batch) {
  for_chunks(batch, [&](const RowChunk& chunk) {
    advance(team, weights, chunk, network_.n_layers() - 1,
            [&](const RowBlock& block) { compare(weights, block); });
    trimming_->take(sums_.loss(), chunk.first, chunk.rows);
  });
  trimming_->run(sums_.changing_weights(), batch);
}

template <class T>
void BatchGradient<T>::encode_for_sparsity(Team& team, const PanelWeights<T>& weights,
                                           const Batch& batch) {
  for_chunks(batch, [&](const RowChunk& chunk) {
    advance(team, weights, chunk, sparsity_.last() + 1, [&](const RowBlock& block) {
      sparsity_.add_rows(pass_.hidden(), sums_.weight(0), block);
    });
  });
  sparsity_.finish(batch.range.n, options_.sparsity_momentum > 0 ? batch.running : nullptr);
  parts_.sparsity = sparsity_.value();
}

/// The chunk's rows as far as the code, and their contractive penalty.
template <class T>
void BatchGradient<T>::contract(Team& team, const PanelWeights<T>& weights, const RowChunk& chunk) {
  if (reached_.layers < n_contracted_) {
    advance(team, weights, chunk, n_contracted_, [](const RowBlock&) {});
  }
  contraction_->run(team, weights, {chunk, pass_.hidden(), sums_.weight(chunk.first)},
                    with_gradient_ ? weight_pass_->held() : nullptr);
}

template <class T>
void BatchGradient<T>::rows_pass(Team& team, const PanelWeights<T>& weights,
                                 const RowChunk& chunk) {
  advance(team, weights, chunk, network_.n_hidden(), [&](const RowBlock& block) {
    pass_.cluster(weights, block);
    if (options_.activity_l1 > 0) {
      const index_t code = options_.code_layer;
      sums_.add_units(RowSum::size, pass_.hidden().h(code, chunk), network_.layer(code).n_out,
                      block, [](double h) { return std::abs(h); });
    }
    if (observed_) return;
    if (network_.compares()) {
      compare(weights, block);
      sums_.add_losses(block);
    }
    if (with_gradient_) pass_.backward(weights, block, network_.n_layers() - 1);
  });
  if (observed_) observed_pass(team, weights, chunk);
}

/// The output and the way back from it, with the entries of all rows at once: products with them go
/// column by column, as those of sparse rows do.
template <class T>
void BatchGradient<T>::observed_pass(Team& team, const PanelWeights<T>& weights,
                                     const RowChunk& chunk) {
  const index_t last = network_.n_layers() - 1;
  observed_->multiply(team, rows_.sparse().target_rows(), weights,
                      pass_.hidden().h(last - 1, chunk));
  for_blocks(team, chunk, [&](const RowBlock& block) {
    observed_->loss(block, weights.bias(last), sums_);
    sums_.add_losses(block);
  });
  if (!with_gradient_) return;
  pass_.backward_sparse(team, weights, observed_->deltas(), chunk);
  if (last == 1) return;
  for_blocks(team, chunk, [&](const RowBlock& block) { pass_.backward(weights, block, last - 1); });
}

template <class T>
void BatchGradient<T>::weights_pass(Team& team, PanelWeights<T>& weights, const RowChunk& chunk,
                                    const WeightAction<T>& action, bool sum_squares) {
  const SparseBatch<T>& sparse = rows_.sparse();
  for (index_t p = 0; p < network_.n_products(); ++p) {
    const auto i = static_cast<std::size_t>(p);
    const bool enters = network_.place(p) == 0 && sparse.input();
    views_.inputs[i] = {pass_.input_of(p, chunk), enters ? &sparse.by_column() : nullptr};
    views_.deltas[i] = {pass_.delta_of(p)};
  }
  if (observed_) {
    views_.deltas[static_cast<std::size_t>(network_.n_layers() - 1)].sparse = &observed_->deltas();
  }
  weight_pass_->run(team, views_.inputs, views_.deltas, chunk, weights, action, sum_squares);
}

template <class T>
void BatchGradient<T>::finish_parts(const Batch& batch, bool sum_squares) {
  const index_t n_rows = batch.range.n;
  const double divergence = sums_.total(RowSum::divergence, n_rows);
  const bool clusters = network_.n_clusters() > 0;
  parts_.divergence = clusters ? 0 : batch.warm_up * options_.beta * divergence;
  parts_.clustering = clusters ? options_.clustering_weight * divergence : 0;
  parts_.data = sums_.total(RowSum::loss, n_rows);
  if (sum_squares) {
    parts_.weight_decay = 0.5 * options_.weight_decay * weight_pass_->squares();
  }
  if (with_gradient_) parts_.weight_l1 = options_.weight_l1 * weight_pass_->sizes();
  if (contraction_) parts_.contractive = contraction_->value();
  if (options_.activity_l1 > 0) {
    parts_.activity_l1 = options_.activity_l1 * sums_.total(RowSum::size, n_rows);
  }
}

template class BatchGradient<float>;
template class BatchGradient<double>;

}  // namespace aecore
