#include "nn/step/weight_pass.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace aecore {

namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

template <class T>
WeightPass<T>::WeightPass(const Network& network, index_t rows, bool hold_gradients,
                          index_t n_begun, int n_threads)
    : network_(network),
      n_begun_(n_begun),
      tasks_(plan_weight_tasks<T>(network, rows)),
      task_squares_(tasks_.size()),
      task_sizes_(tasks_.size()),
      gradient_squares_(tasks_.size()) {
  const index_t width = kernels<T>().panel_width;
  index_t widest = kTaskRows * width;  // of C, and of a bias
  for (index_t l = 0; l < network.n_products(); ++l) {
    const Layer& layer = network.layer(l);
    index_t size = round_up(layer.n_out, width);
    if (layer.convolves()) {
      size = std::max(size + round_up(layer.n_bias(), width),
                      kTaskRows * width + ConvolutionGradient<T>::scratch_size(kTaskRows, rows));
    }
    widest = std::max(widest, size);
  }
  for (int i = 0; i < n_threads; ++i) scratch_.emplace_back(widest);
  if (hold_gradients || n_begun > 0) gradients_ = AlignedBuffer<T>(PanelLayout<T>(network).size());
}

template <class T>
void WeightPass<T>::run(Team& team, const std::vector<WeightOperand<T>>& inputs,
                        const std::vector<WeightOperand<T>>& deltas, const RowChunk& chunk,
                        PanelWeights<T>& weights, const WeightAction<T>& action, bool sum_squares) {
  const bool clip = action.clip_norm > 0;
  WeightAction<T> used = action;
  if (clip) used.epilogue = kernels<T>().hold_gradient;
  std::vector<double>& squares = clip ? gradient_squares_ : task_squares_;
  const auto body = [&](index_t i, int worker) {
    T* const scratch = scratch_[static_cast<std::size_t>(worker)].data();
    const auto index = static_cast<std::size_t>(i);
    const WeightTask& task = tasks_[index];
    const auto l = static_cast<std::size_t>(task.layer);
    squares[index] = task_sizes_[index] = 0;
    const bool decays = !network_.layer(task.layer).centers;
    if (task.row_end > 0) {
      run_task(task, clip || (sum_squares && decays) ? &squares[index] : nullptr,
               !clip && decays && action.update.weight_l1 > T{0} ? &task_sizes_[index] : nullptr,
               operands_of(task, inputs, deltas), chunk, weights, used, scratch);
    }
    if (task.has_bias(network_)) {
      bias_gradient(task, clip ? &squares[index] : nullptr, deltas[l], chunk, weights, used,
                    scratch);
    }
  };
  const auto n_tasks = static_cast<index_t>(tasks_.size());
  const auto follow = [&] {
    team.for_each_to_the_end(network_.convolves(0, network_.n_layers()) ? network_.n_layers() : 0,
                             [&](index_t l, int) { weights.follow(l); });
  };
  if (chunk.ends_batch() && !clip) {
    team.for_each_to_the_end(n_tasks, body);  // an update is whole or not begun
    follow();
    return;
  }
  team.for_each(n_tasks, body);
  if (!chunk.ends_batch()) return;
  used = clipped(action, std::sqrt(sum(gradient_squares_)));
  team.for_each_to_the_end(n_tasks, [&](index_t i, int) {
    const auto index = static_cast<std::size_t>(i);
    task_squares_[index] = 0;
    const bool decays = !network_.layer(tasks_[index].layer).centers;
    update_held(tasks_[index], decays && sum_squares ? &task_squares_[index] : nullptr,
                decays && action.update.weight_l1 > T{0} ? &task_sizes_[index] : nullptr, weights,
                used);
  });
  follow();
}

template <class T>
void WeightPass<T>::update_held(const WeightTask& task, double* squares, double* sizes,
                                PanelWeights<T>& weights, const WeightAction<T>& action) {
  const index_t width = kernels<T>().panel_width;
  WeightUpdate<T> update = update_of_weights(action, network_, task.layer, weights);
  update.squares = squares;
  update.sizes = sizes;
  T* const held = gradients_.data() + weights.layout().weights(task.layer);
  const index_t end = task.row_end > 0 ? task.column_end : 0;
  for (index_t column = task.column_begin; column < end; column += width) {
    const index_t columns = std::min(width, task.column_end - column);
    T* const panel = held + column / width * update.stride;
    for (index_t row = task.row_begin; row < task.row_end; row += width) {
      action.epilogue(&update, panel + row * width, row, std::min(width, task.row_end - row),
                      column, columns);
    }
  }
  if (task.has_bias(network_)) {
    T* const held_bias = gradients_.data() + weights.layout().bias(task.layer);
    update_bias(task, nullptr, held_bias + task.column_begin, weights, action);
  }
}

template <class T>
void WeightPass<T>::update_bias(const WeightTask& task, double* squares, T* gradient,
                                PanelWeights<T>& weights, const WeightAction<T>& action) {
  const index_t width = kernels<T>().panel_width;
  WeightUpdate<T> update = update_of_bias(action, network_, task.layer, weights);
  update.squares = squares;
  for (index_t column = task.column_begin; column < task.column_end; column += width) {
    action.epilogue(&update, gradient + column - task.column_begin, 0, 1, column,
                    std::min(width, task.column_end - column));
  }
}

template <class T>
typename WeightPass<T>::Operands WeightPass<T>::operands_of(
    const WeightTask& task, const std::vector<WeightOperand<T>>& inputs,
    const std::vector<WeightOperand<T>>& deltas) const {
  const auto l = static_cast<std::size_t>(task.layer);
  Operands operands{inputs[l], deltas[l], {}, {}};
  if (is_tied_to(task.layer)) {
    const auto decoder = static_cast<std::size_t>(network_.n_layers() - 1 - task.layer);
    operands.tied_input = inputs[decoder];
    operands.tied_delta = deltas[decoder];
  }
  return operands;
}

template <class T>
void WeightPass<T>::run_task(const WeightTask& task, double* squares, double* sizes,
                             const Operands& operands, const RowChunk& chunk,
                             PanelWeights<T>& weights, const WeightAction<T>& action, T* scratch) {
  const index_t width = kernels<T>().panel_width;
  WeightUpdate<T> update = update_of_weights(action, network_, task.layer, weights);
  update.squares = squares;
  update.sizes = sizes;
  const auto multiply = [&](const WeightOperand<T>& a, const WeightOperand<T>& b, index_t begin,
                            index_t end, bool accumulate, bool last) {
    const bool held = gradients_.size() > 0;
    const MatrixPanels<T> c =
        held ? MatrixPanels<T>{gradients_.data() + weights.layout().weights(task.layer), width,
                               update.stride}
             : MatrixPanels<T>{scratch, width, 0};
    GemmCall<T> call = panel_product(a.panels, PanelOperand<T>{b.panels.data, b.panels.stride}, c,
                                     chunk.rows, end);
    call.a_transposed = true;
    if (!held) call.c_first_row = task.row_begin;
    call.row_begin = task.row_begin;
    call.row_end = task.row_end;
    call.column_begin = begin;
    call.accumulate = accumulate;
    if (last) {
      call.prologue = kernels<T>().fetch_weights;
      call.epilogue = action.epilogue;
      call.context = &update;
    }
    if (a.sparse != nullptr) {
      kernels<T>().sparse_gradient(call, *a.sparse);
    } else if (b.sparse != nullptr) {
      kernels<T>().sampled_gradient(call, *b.sparse);
    } else {
      kernels<T>().gemm(call);
    }
  };
  if (network_.layer(task.layer).convolves()) {
    run_convolution(task, update, operands, chunk, weights, action, scratch);
    return;
  }
  const bool begun = !chunk.begins_batch() || task.layer < n_begun_;
  const bool centers = network_.layer(task.layer).centers;
  if (!centers && !is_tied_to(task.layer)) {
    multiply(operands.input, operands.delta, task.column_begin, task.column_end, begun,
             chunk.ends_batch());
    return;
  }
  // The two parts of such a gradient meet in a panel before it is used.
  for (index_t column = task.column_begin; column < task.column_end; column += width) {
    const index_t end = std::min(task.column_end, column + width);
    if (centers) {
      T* const panel = gradients_.size() > 0
                           ? gradients_.data() + weights.layout().weights(task.layer) +
                                 column / width * update.stride + task.row_begin * width
                           : scratch;
      pull_centers(task, column, operands.delta.panels, chunk.rows, begun, weights, panel);
      multiply(operands.input, operands.delta, column, end, true, chunk.ends_batch());
    } else {
      multiply(operands.input, operands.delta, column, end, begun, false);
      multiply(operands.tied_delta, operands.tied_input, column, end, true, chunk.ends_batch());
    }
  }
}

/// panel = (or +=) -mu_j sum_i delta_ij, of the gradient sum_i delta_ij (z_i - mu_j).
template <class T>
void WeightPass<T>::pull_centers(const WeightTask& task, index_t column,
                                 const MatrixPanels<const T>& delta, index_t rows, bool accumulate,
                                 PanelWeights<T>& weights, T* panel) const {
  const index_t width = kernels<T>().panel_width, at = column / width;
  std::array<T, kMaxPanelWidth> sums{};
  kernels<T>().column_sums(delta.data + at * delta.stride, delta.stride, rows,
                           std::min(width, task.column_end - column), nullptr, false, sums.data());
  const T* const centers = weights.data() + weights.layout().weights(task.layer) +
                           at * weights.layout().stride(task.layer);
  for (index_t row = task.row_begin; row < task.row_end; ++row) {
    const T* const mu = centers + row * width;
    T* const to = panel + (row - task.row_begin) * width;
    for (index_t j = 0; j < width; ++j) {
      to[j] = (accumulate ? to[j] : T{0}) - mu[j] * sums[static_cast<std::size_t>(j)];
    }
  }
}

template <class T>
void WeightPass<T>::run_convolution(const WeightTask& task, WeightUpdate<T>& update,
                                    const Operands& operands, const RowChunk& chunk,
                                    PanelWeights<T>& weights, const WeightAction<T>& action,
                                    T* scratch) {
  const index_t width = kernels<T>().panel_width;
  const Convolution& convolution = network_.layer(task.layer).convolution;
  const bool held = gradients_.size() > 0;
  T* const c = held ? gradients_.data() + weights.layout().weights(task.layer) +
                          task.column_begin / width * update.stride + task.row_begin * width
                    : scratch;
  ConvolutionGradient<T>{convolution,
                         (convolution.transposed ? operands.delta : operands.input).panels,
                         (convolution.transposed ? operands.input : operands.delta).panels,
                         chunk.rows,
                         task.row_begin,
                         task.row_end,
                         task.column_begin,
                         task.column_end - task.column_begin,
                         c,
                         !chunk.begins_batch(),
                         scratch + kTaskRows * width}
      .run();
  if (!chunk.ends_batch()) return;
  for (index_t row = task.row_begin; row < task.row_end; row += width) {
    action.epilogue(&update, c + (row - task.row_begin) * width, row,
                    std::min(width, task.row_end - row), task.column_begin,
                    task.column_end - task.column_begin);
  }
}

template <class T>
void WeightPass<T>::bias_gradient(const WeightTask& task, double* squares,
                                  const WeightOperand<T>& delta, const RowChunk& chunk,
                                  PanelWeights<T>& weights, const WeightAction<T>& action,
                                  T* scratch) {
  const Kernels<T>& k = kernels<T>();
  T* const sums = gradients_.size() > 0
                      ? gradients_.data() + weights.layout().bias(task.layer) + task.column_begin
                      : scratch;
  const Layer& layer = network_.layer(task.layer);
  const MatrixPanels<const T>& panels = delta.panels;
  if (delta.sparse != nullptr) {
    k.sparse_column_sums(*delta.sparse, task.column_begin, task.column_end, !chunk.begins_batch(),
                         sums);
  } else if (layer.convolves()) {  // the sum over all positions
    const index_t n_bias = layer.n_bias();
    T* const of_units = scratch + round_up(n_bias, k.panel_width);
    k.column_sums(panels.data, panels.stride, chunk.rows, layer.n_out, nullptr, false, of_units);
    if (chunk.begins_batch()) std::fill(sums, sums + round_up(n_bias, k.panel_width), T{0});
    for (index_t i = 0; i < layer.n_out; i += n_bias) {
      for (index_t j = 0; j < n_bias; ++j) sums[j] += of_units[i + j];
    }
  } else {
    k.column_sums(panels.data + task.column_begin / k.panel_width * panels.stride, panels.stride,
                  chunk.rows, task.column_end - task.column_begin, nullptr, !chunk.begins_batch(),
                  sums);
  }
  if (chunk.ends_batch()) update_bias(task, squares, sums, weights, action);
}

template <class T>
double WeightPass<T>::squares() const {
  return sum(task_squares_);
}

template <class T>
double WeightPass<T>::sizes() const {
  return sum(task_sizes_);
}

template class WeightPass<float>;
template class WeightPass<double>;

}  // namespace aecore
