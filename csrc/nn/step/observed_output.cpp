#include "nn/step/observed_output.hpp"

#include <algorithm>

namespace aecore {

namespace {

constexpr index_t kTaskColumns = 64;

}  // namespace

template <class T>
ObservedOutput<T>::ObservedOutput(const Network& network, const ObjectiveOptions& options,
                                  int n_threads)
    : network_(network), options_(options) {
  const index_t width = kernels<T>().panel_width;
  const index_t longest = round_up(network.n_out(), width);
  for (int i = 0; i < n_threads; ++i) {
    scratch_.push_back(
        {AlignedBuffer<T>(longest), AlignedBuffer<T>(longest), AlignedBuffer<T>(width)});
    scratch_.back().z.zero();  // what pads a row is computed, too
  }
}

template <class T>
void ObservedOutput<T>::multiply(Team& team, const EntryRows<T>& target,
                                 const PanelWeights<T>& weights, const MatrixPanels<const T>& h) {
  target_ = target;
  by_column_.take_places(target);
  deltas_ = by_column_.view();
  const index_t layer = network_.n_layers() - 1, n_out = network_.n_out();
  const PanelOperand<T> transposed = weights.way_back(layer);
  team.for_each(ceil_div(n_out, kTaskColumns), [&](index_t task, int) {
    SampledCall<T> call{};
    call.a = h.data;
    call.a_stride = h.stride;
    call.transposed = transposed.data;
    call.transposed_stride = transposed.stride;
    call.k = network_.layer(layer).n_in;
    call.entries = deltas_;
    call.out = by_column_.values();
    call.column_begin = task * kTaskColumns;
    call.column_end = std::min(n_out, call.column_begin + kTaskColumns);
    kernels<T>().sampled_gemm(call);
  });
}

template <class T>
void ObservedOutput<T>::loss(const RowBlock& block, const T* bias, RowSums<T>& sums) {
  const Kernels<T>& k = kernels<T>();
  Row& scratch = scratch_[static_cast<std::size_t>(block.worker)];
  T* const z = scratch.z.data();
  T* const values = by_column_.values();
  const T* const row_weight = sums.weight(block.chunk.first);
  double* const row_loss = sums.loss();
  OutputLoss<T> context{};
  context.output = {scratch.bias.data(), network_.output().activation, nullptr};
  context.loss = options_.loss;
  context.target_row = context.target_stride = k.panel_width;
  context.partial = scratch.partial.data();
  for (index_t i = block.row; i < block.row + block.rows; ++i) {
    const index_t begin = target_.begin[i], n = target_.end[i] - begin;
    const index_t* const place = by_column_.place() + begin;
    for (index_t e = 0; e < n; ++e) {
      z[e] = values[place[e]];
      scratch.bias[e] = bias[target_.column[begin + e]];
    }
    // The entries are a row of their own to the dense loss.
    row_loss[i] = 0;
    context.target = target_.value + begin;
    context.n_columns = n;
    context.row_weight = row_weight + i;
    context.row_loss = row_loss + i;
    for (index_t at = 0; at < n; at += k.panel_width) {
      k.output_loss(&context, z + at, 0, 1, at, std::min(k.panel_width, n - at));
    }
    for (index_t e = 0; e < n; ++e) values[place[e]] = z[e];
  }
}

template class ObservedOutput<float>;
template class ObservedOutput<double>;

}  // namespace aecore
