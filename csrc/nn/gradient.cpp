#include "nn/gradient.hpp"

#include <algorithm>

namespace aecore {

namespace {

// Sums over rows (rho_hat, the loss) are taken in blocks of this many rows, so that they do not
// depend on how many rows a worker takes at a time.
constexpr index_t kStatisticsRows = 32;
constexpr index_t kMaxBlockRows = 64;  // a block's activations stay in the second-level cache
// A batch whose scratch fits is one chunk, and its weights can be updated panel by panel.
constexpr double kScratchBytes = 128.0 * 1024 * 1024;
constexpr index_t kPanelBytes = 256 * 1024;  // of gradients: stays in the second-level cache
constexpr index_t kMinTasksPerLayer = 4;     // enough to share among workers

double scratch_bytes_per_row(const Network& network, std::size_t element) {
  double widths = 0;
  for (const index_t size : network.layer_sizes()) widths += static_cast<double>(size);
  return 2 * widths * static_cast<double>(element);
}

index_t choose_chunk_rows(const Network& network, index_t max_rows, std::size_t element) {
  const double fitting = kScratchBytes / scratch_bytes_per_row(network, element);
  if (static_cast<double>(max_rows) <= fitting) return max_rows;
  return std::max(index_t{kSumBlock}, static_cast<index_t>(fitting) / kSumBlock * kSumBlock);
}

/// Rows that a worker takes at a time: at least two turns each, in whole statistics blocks.
index_t choose_block_rows(index_t rows, int n_threads) {
  const index_t share = rows / (2 * index_t{n_threads});
  return std::clamp(share / kStatisticsRows * kStatisticsRows, kStatisticsRows, kMaxBlockRows);
}

}  // namespace

template <class T>
BatchGradient<T>::BatchGradient(const Network& network, const ObjectiveOptions& options,
                                index_t max_rows, int n_threads, bool with_gradient,
                                bool separate_target)
    : network_(network),
      options_(options),
      with_gradient_(with_gradient),
      chunk_rows_(choose_chunk_rows(network, max_rows, sizeof(T))),
      block_rows_(choose_block_rows(chunk_rows_, n_threads)) {
  const index_t width = kernels<T>().panel_width;
  const index_t n_layers = network.n_layers();
  if (options.sparse()) last_sparse_ = options.sparsity_layers.back();
  input_ = PanelMatrix<T>(chunk_rows_, network.n_in());
  if (separate_target) target_ = PanelMatrix<T>(chunk_rows_, network.n_out());
  for (index_t l = 0; l < n_layers; ++l) {
    const Layer& layer = network.layer(l);
    if (l + 1 < n_layers) {
      activations_.emplace_back(l <= last_sparse_ ? max_rows : chunk_rows_, layer.n_out);
    }
    const bool output = l + 1 == n_layers;
    deltas_.emplace_back(with_gradient || output ? chunk_rows_ : 0, layer.n_out);
    forward_weights_.emplace_back(layer, false);
    if (with_gradient && l > 0) {
      backward_weights_.emplace_back(layer, true);
    } else {
      backward_weights_.emplace_back();
    }
    penalty_.emplace_back();
  }
  row_weight_ = AlignedBuffer<T>(max_rows);
  row_loss_ = AlignedBuffer<double>(chunk_rows_);
  const index_t n_statistics = ceil_div(max_rows, kStatisticsRows);
  block_loss_.resize(static_cast<std::size_t>(n_statistics));
  if (options.sparse()) {
    for (const index_t l : options.sparsity_layers) {
      const index_t padded = round_up(network.layer(l).n_out, width);
      block_activations_.emplace_back(checked_mul(n_statistics, padded));
      penalty_[static_cast<std::size_t>(l)] = AlignedBuffer<T>(padded);
    }
  }
  if (with_gradient) {
    plan_weight_tasks(chunk_rows_ < max_rows);
    index_t largest = 0;
    for (const WeightTask& task : tasks_) {
      largest = std::max(largest, (task.row_end - task.row_begin) *
                                      round_up(network.layer(task.layer).n_out, width));
    }
    for (int i = 0; i < n_threads; ++i) worker_gradient_.emplace_back(largest);
  }
}

template <class T>
void BatchGradient<T>::plan_weight_tasks(bool several_chunks) {
  index_t offset = 0;
  const auto add = [&](index_t l, index_t begin, index_t end, bool bias) {
    tasks_.push_back({l, begin, end, bias, offset});
    offset += (end - begin) * round_up(network_.layer(l).n_out, kernels<T>().panel_width);
  };
  for (index_t l = network_.n_layers() - 1; l >= 0; --l) {  // the output's is the last in cache
    const Layer& layer = network_.layer(l);
    const index_t row_bytes = round_up(layer.n_out, kernels<T>().panel_width) * index_t{sizeof(T)};
    index_t rows = std::max(index_t{1}, kPanelBytes / row_bytes);
    rows = std::min(rows, ceil_div(layer.n_in, kMinTasksPerLayer));
    for (index_t row = 0; row < layer.n_in; row += rows) {
      add(l, row, std::min(layer.n_in, row + rows), false);
    }
    add(l, 0, 1, true);
  }
  task_squares_.resize(tasks_.size());
  if (several_chunks) gradients_ = AlignedBuffer<T>(offset);
}

template <class T>
index_t BatchGradient<T>::hidden_row(index_t layer, const Chunk& chunk) const {
  return layer <= last_sparse_ ? chunk.first : 0;
}

template <class T>
void BatchGradient<T>::run(Worker& worker, const T* parameters, const Batch& batch,
                           const PanelAction<T>& action) {
  const index_t n_rows = batch.range.n;
  pack_and_weigh(worker, parameters, batch);
  if (last_sparse_ >= 0) encode_for_sparsity(worker, parameters, batch);
  for (index_t first = 0; first < n_rows; first += chunk_rows_) {
    const Chunk chunk{first, std::min(chunk_rows_, n_rows - first)};
    rows_pass(worker, parameters, batch, chunk);
    if (with_gradient_) weights_pass(worker, parameters, chunk, n_rows, action);
  }
  worker.once([&] { finish_parts(parameters, n_rows); });
}

template <class T>
void BatchGradient<T>::pack_and_weigh(Worker& worker, const T* parameters, const Batch& batch) {
  // One task per matrix; the last one weighs the rows.
  const index_t n_layers = network_.n_layers();
  worker.for_each(2 * n_layers + 1, [&](index_t task) {
    if (task == 2 * n_layers) {
      weigh(batch);
      return;
    }
    const index_t l = task / 2;
    auto& packed = (task % 2 == 0 ? forward_weights_ : backward_weights_);
    PackedWeights<T>& w = packed[static_cast<std::size_t>(l)];
    w.pack(parameters + network_.layer(l).weights, 0, w.n_panels());
  });
}

template <class T>
void BatchGradient<T>::weigh(const Batch& batch) {
  const RowRange& range = batch.range;
  if (batch.sample_weight == nullptr) {
    const T weight = static_cast<T>(1.0 / static_cast<double>(range.n));
    for (index_t i = 0; i < range.n; ++i) row_weight_[i] = weight;
    return;
  }
  const auto source_row = [&](index_t i) {
    return range.rows != nullptr ? range.rows[range.first + i] : range.first + i;
  };
  double sum = 0;
  for (index_t i = 0; i < range.n; ++i) sum += batch.sample_weight[source_row(i)];
  const double scale = sum > 0 ? 1.0 / sum : 0.0;  // a batch of zero weights teaches nothing
  for (index_t i = 0; i < range.n; ++i) {
    row_weight_[i] = static_cast<T>(scale * batch.sample_weight[source_row(i)]);
  }
}

template <class T>
void BatchGradient<T>::gather(const Batch& batch, const Chunk& chunk, index_t row, index_t rows) {
  const bool unit = options_.loss == Loss::binary_cross_entropy;
  const RowRange range{batch.range.rows, batch.range.first + chunk.first + row, rows};
  gather_rows<T>(*batch.x, range, options_.input_scale, unit && batch.target == nullptr,
                 input_.row(row), input_.stride());
  if (batch.target != nullptr) {
    gather_rows<T>(*batch.target, range, 1.0, unit, target_.row(row), target_.stride());
  }
}

template <class T>
void BatchGradient<T>::forward_layer(index_t layer, const Chunk& chunk, index_t row, index_t rows,
                                     Epilogue<T> epilogue, const void* context) {
  const auto l = static_cast<std::size_t>(layer);
  const bool output = layer + 1 == network_.n_layers();
  PanelMatrix<T>& c = output ? deltas_[l] : activations_[l];
  GemmCall<T> call{};
  if (layer == 0) {
    call.a = input_.row(row);
    call.a_stride = input_.stride();
  } else {
    call.a = activations_[l - 1].row(hidden_row(layer - 1, chunk) + row);
    call.a_stride = activations_[l - 1].stride();
  }
  call.b = forward_weights_[l].data();
  call.b_stride = forward_weights_[l].stride();
  call.c = c.row(0);
  call.c_stride = c.stride();
  call.c_row = (output ? 0 : hidden_row(layer, chunk)) + row;
  call.row_end = rows;
  call.k = network_.layer(layer).n_in;
  call.n = network_.layer(layer).n_out;
  call.epilogue = epilogue;
  call.context = context;
  kernels<T>().gemm(call);
}

template <class T>
void BatchGradient<T>::forward_hidden(const T* parameters, index_t first, index_t last,
                                      const Chunk& chunk, index_t row, index_t rows) {
  for (index_t l = first; l < last; ++l) {
    const Layer& layer = network_.layer(l);
    const BiasActivation<T> context{parameters + layer.bias, layer.activation};
    forward_layer(l, chunk, row, rows, kernels<T>().bias_activation, &context);
  }
}

template <class T>
void BatchGradient<T>::output_loss(const T* parameters, const Batch& batch, const Chunk& chunk,
                                   index_t row, index_t rows) {
  const Layer& layer = network_.layers().back();
  const PanelMatrix<T>& target = batch.target != nullptr ? target_ : input_;
  OutputLoss<T> context{};
  context.output = {parameters + layer.bias, layer.activation};
  context.loss = options_.loss;
  context.target = target.row(0);
  context.target_stride = target.stride();
  context.row_weight = row_weight_.data() + chunk.first;
  context.row_loss = row_loss_.data();
  std::fill(row_loss_.data() + row, row_loss_.data() + row + rows, 0.0);
  forward_layer(network_.n_layers() - 1, chunk, row, rows, kernels<T>().output_loss, &context);
  for (index_t first = row; first < row + rows; first += kStatisticsRows) {
    double sum = 0;
    for (index_t i = first; i < std::min(row + rows, first + kStatisticsRows); ++i) {
      sum += static_cast<double>(row_weight_[chunk.first + i]) * row_loss_[i];
    }
    block_loss_[static_cast<std::size_t>((chunk.first + first) / kStatisticsRows)] = sum;
  }
  if (batch.row_loss != nullptr) {
    std::copy(row_loss_.data() + row, row_loss_.data() + row + rows,
              batch.row_loss + chunk.first + row);
  }
}

template <class T>
void BatchGradient<T>::backward(const Chunk& chunk, index_t row, index_t rows) {
  for (index_t layer = network_.n_layers() - 1; layer > 0; --layer) {
    const auto l = static_cast<std::size_t>(layer);
    const PanelMatrix<T>& below = activations_[l - 1];
    ActivationBackward<T> context{};
    context.activation = network_.layer(layer - 1).activation;
    context.activations = below.row(hidden_row(layer - 1, chunk));
    context.activations_stride = below.stride();
    context.penalty = penalty_[l - 1].size() > 0 ? penalty_[l - 1].data() : nullptr;
    context.row_weight = row_weight_.data() + chunk.first;
    GemmCall<T> call{};
    call.a = deltas_[l].row(row);
    call.a_stride = deltas_[l].stride();
    call.b = backward_weights_[l].data();
    call.b_stride = backward_weights_[l].stride();
    call.c = deltas_[l - 1].row(0);
    call.c_stride = deltas_[l - 1].stride();
    call.c_row = row;
    call.row_end = rows;
    call.k = network_.layer(layer).n_out;
    call.n = network_.layer(layer).n_in;
    call.epilogue = kernels<T>().activation_backward;
    call.context = &context;
    kernels<T>().gemm(call);
  }
}

template <class T>
void BatchGradient<T>::encode_for_sparsity(Worker& worker, const T* parameters,
                                           const Batch& batch) {
  const index_t n_rows = batch.range.n;
  for (index_t first = 0; first < n_rows; first += chunk_rows_) {
    const Chunk chunk{first, std::min(chunk_rows_, n_rows - first)};
    worker.for_each(ceil_div(chunk.rows, block_rows_), [&](index_t block) {
      const index_t row = block * block_rows_;
      const index_t rows = std::min(block_rows_, chunk.rows - row);
      gather(batch, chunk, row, rows);
      forward_hidden(parameters, 0, last_sparse_ + 1, chunk, row, rows);
      sum_activations(chunk, row, rows);
    });
  }
  worker.once([&] { finish_sparsity(n_rows); });
}

template <class T>
void BatchGradient<T>::sum_activations(const Chunk& chunk, index_t row, index_t rows) {
  const index_t width = kernels<T>().panel_width;
  for (std::size_t s = 0; s < options_.sparsity_layers.size(); ++s) {
    const index_t l = options_.sparsity_layers[s];
    const PanelMatrix<T>& a = activations_[static_cast<std::size_t>(l)];
    const index_t n = network_.layer(l).n_out;
    for (index_t first = chunk.first + row; first < chunk.first + row + rows;
         first += kStatisticsRows) {
      const index_t count = std::min(kStatisticsRows, chunk.first + row + rows - first);
      kernels<T>().column_sums(
          a.row(first), a.stride(), count, n, row_weight_.data() + first, false,
          block_activations_[s].data() + first / kStatisticsRows * round_up(n, width));
    }
  }
}

template <class T>
void BatchGradient<T>::finish_sparsity(index_t n_rows) {
  parts_.sparsity = 0;
  const index_t width = kernels<T>().panel_width;
  for (std::size_t s = 0; s < options_.sparsity_layers.size(); ++s) {
    const index_t l = options_.sparsity_layers[s];
    const Layer& layer = network_.layer(l);
    const index_t padded = round_up(layer.n_out, width);
    for (index_t j = 0; j < layer.n_out; ++j) {
      double mean = 0;
      for (index_t b = 0; b < ceil_div(n_rows, kStatisticsRows); ++b) {
        mean += static_cast<double>(block_activations_[s][b * padded + j]);
      }
      const SparsityTerm term = sparsity_term(options_, layer.activation, mean);
      parts_.sparsity += term.value;
      penalty_[static_cast<std::size_t>(l)][j] = static_cast<T>(term.slope);
    }
  }
}

template <class T>
void BatchGradient<T>::rows_pass(Worker& worker, const T* parameters, const Batch& batch,
                                 const Chunk& chunk) {
  // The sparsity pass has left the rows in scratch unless it went over several chunks.
  const bool gathered = last_sparse_ >= 0 && chunk.rows == batch.range.n;
  worker.for_each(ceil_div(chunk.rows, block_rows_), [&](index_t block) {
    const index_t row = block * block_rows_;
    const index_t rows = std::min(block_rows_, chunk.rows - row);
    if (!gathered) gather(batch, chunk, row, rows);
    forward_hidden(parameters, last_sparse_ + 1, network_.n_layers() - 1, chunk, row, rows);
    output_loss(parameters, batch, chunk, row, rows);
    if (with_gradient_) backward(chunk, row, rows);
  });
}

template <class T>
void BatchGradient<T>::weights_pass(Worker& worker, const T* parameters, const Chunk& chunk,
                                    index_t n_rows, const PanelAction<T>& action) {
  const bool several = chunk.rows < n_rows;
  const bool last = chunk.first + chunk.rows == n_rows;
  const auto run_task = [&](index_t i) {
    const auto index = static_cast<std::size_t>(i);
    const WeightTask& task = tasks_[index];
    T* const gradient = several ? gradients_.data() + task.offset
                                : worker_gradient_[static_cast<std::size_t>(worker.id())].data();
    weight_task(task, gradient, chunk, chunk.first == 0);
    if (last) finish_task(index, gradient, parameters, action);
  };
  const auto n_tasks = static_cast<index_t>(tasks_.size());
  if (last) {
    worker.for_each_to_the_end(n_tasks, run_task);  // an update is whole or not begun
  } else {
    worker.for_each(n_tasks, run_task);
  }
}

template <class T>
void BatchGradient<T>::weight_task(const WeightTask& task, T* gradient, const Chunk& chunk,
                                   bool first) {
  const Kernels<T>& k = kernels<T>();
  const auto l = static_cast<std::size_t>(task.layer);
  const Layer& layer = network_.layer(task.layer);
  const PanelMatrix<T>& delta = deltas_[l];
  if (task.bias) {
    k.column_sums(delta.row(0), delta.stride(), chunk.rows, layer.n_out, nullptr, !first, gradient);
    return;
  }
  const PanelMatrix<T>& below = task.layer == 0 ? input_ : activations_[l - 1];
  GemmCall<T> call{};  // dW = A^T delta
  call.a = below.row(task.layer == 0 ? 0 : hidden_row(task.layer - 1, chunk));
  call.a_stride = below.stride();
  call.a_transposed = true;
  call.b = delta.row(0);
  call.b_stride = delta.stride();
  call.c = gradient;
  call.c_stride = (task.row_end - task.row_begin) * k.panel_width;
  call.row_begin = task.row_begin;
  call.row_end = task.row_end;
  call.k = chunk.rows;
  call.n = layer.n_out;
  call.accumulate = !first;
  k.gemm(call);
}

template <class T>
void BatchGradient<T>::finish_task(std::size_t index, const T* gradient, const T* parameters,
                                   const PanelAction<T>& action) {
  const WeightTask& task = tasks_[index];
  const Layer& layer = network_.layer(task.layer);
  const index_t offset = task.bias ? layer.bias : layer.weights + task.row_begin * layer.n_out;
  const index_t rows = task.row_end - task.row_begin;
  task_squares_[index] = options_.weight_decay > 0 && !task.bias
                             ? kernels<T>().sum_of_squares(parameters + offset, rows * layer.n_out)
                             : 0.0;
  UpdateCall<T> call = action.call;
  call.gradient = gradient;
  call.gradient_stride = rows * kernels<T>().panel_width;
  call.rows = rows;
  call.columns = layer.n_out;
  const auto advance = [&](T*& p) {
    if (p != nullptr) p += offset;
  };
  advance(call.weights);
  advance(call.first_moment);
  advance(call.second_moment);
  advance(call.out);
  if (task.bias) call.weight_decay = T{0};
  action.kernel(call);
}

template <class T>
void BatchGradient<T>::finish_parts(const T* parameters, index_t n_rows) {
  parts_.loss = 0;
  for (index_t b = 0; b < ceil_div(n_rows, kStatisticsRows); ++b) {
    parts_.loss += block_loss_[static_cast<std::size_t>(b)];
  }
  double squares = 0;
  if (with_gradient_) {  // taken before the update, panel by panel
    for (const double s : task_squares_) squares += s;
  } else if (options_.weight_decay > 0) {
    for (const Layer& layer : network_.layers()) {
      squares += kernels<T>().sum_of_squares(parameters + layer.weights, layer.n_in * layer.n_out);
    }
  }
  parts_.weight_decay = 0.5 * options_.weight_decay * squares;
}

template class BatchGradient<float>;
template class BatchGradient<double>;

}  // namespace aecore
