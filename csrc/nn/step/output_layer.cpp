#include "nn/step/output_layer.hpp"

#include <algorithm>

namespace aecore {

template <class T>
OutputLayer<T>::OutputLayer(const Network& network, const ObjectiveOptions& options,
                            const GradientPlan& plan, const BatchRows<T>& rows, RowSums<T>& sums)
    : network_(network),
      options_(options),
      rows_(rows),
      sums_(sums),
      partial_size_(plan.block_rows(network, options, sizeof(T)) * kernels<T>().panel_width),
      partial_(plan.n_threads * partial_size_) {}

template <class T>
OutputLoss<T> OutputLayer<T>::loss_of(const T* bias, const RowBlock& block) {
  const Layer& layer = network_.output();
  OutputLoss<T> loss{};
  loss.output = {bias, layer.activation, nullptr};
  loss.loss = options_.loss;
  if (rows_.sparse().target()) {
    loss.sparse = &rows_.sparse().as_target();
    const index_t* const begin = loss.sparse->begin + block.row;
    std::copy(begin, begin + block.rows, loss.sparse->next + block.row);
  } else {
    const MatrixPanels<const T> target = rows_.target(block.chunk);
    loss.target = target.data;
    loss.target_row = target.row;
    loss.target_stride = target.stride;
  }
  const MatrixPanels<const T> feature_weight = rows_.feature_weight();
  loss.feature_weight = feature_weight.data;
  loss.feature_weight_stride = feature_weight.stride;
  loss.row_weight = sums_.weight(block.chunk.first);
  loss.n_columns = layer.n_out;
  loss.row_loss = sums_.loss();
  loss.partial = partial_.data() + block.worker * partial_size_;
  loss.partial_row = block.row;
  return loss;
}

template <class T>
void OutputLayer<T>::run(GemmCall<T> product, const T* bias, const RowBlock& block) {
  const Kernels<T>& k = kernels<T>();
  OutputLoss<T> loss = loss_of(bias, block);
  std::fill(loss.row_loss + block.row, loss.row_loss + block.row + block.rows, 0.0);
  const bool whole_rows = options_.loss == Loss::multinomial;
  if (whole_rows) {  // the product leaves z, the loss takes whole rows
    loss.output.activation = Activation::identity;
    product.epilogue = k.bias_activation;
    product.context = &loss.output;
  } else {
    product.prologue = rows_.sparse().target() ? nullptr : k.fetch_target;
    product.epilogue = k.output_loss;
    product.context = &loss;
  }
  const RowRange rows = block.range();
  RowFetch ahead =
      plan_fetch(block.batch().data.x, block.batch().range, rows.first + block.ahead, rows.n);
  product.ahead = &ahead;
  if (network_.n_layers() == 1 && rows_.sparse().input()) {
    k.finish(product);
  } else {
    k.gemm(product);
  }
  if (whole_rows) {
    k.multinomial_loss(loss, product.c + block.row * product.c_row, product.c_stride, block.row,
                       block.rows);
  }
}

template class OutputLayer<float>;
template class OutputLayer<double>;

}  // namespace aecore
