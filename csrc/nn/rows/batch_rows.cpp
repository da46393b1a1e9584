#include "nn/rows/batch_rows.hpp"

#include "nn/data/targets.hpp"

namespace aecore {

template <class T>
BatchRows<T>::BatchRows(const Network& network, const ObjectiveOptions& options,
                        const GradientPlan& plan)
    : network_(network),
      options_(options),
      sparse_(network, options, plan),
      keeps_target_(!plan.sparse_target && network.compares()) {
  const index_t n_rows = plan.chunk_rows(network, options, sizeof(T));
  if (!plan.sparse_input) {
    input_ = PanelMatrix<T>(n_rows, network.n_in());
    nonzero_ = Nonzero<T>(network.layer(0), n_rows);
  }
  if (keeps_target_ && (plan.separate_target || options.changes_input())) {
    target_ = PanelMatrix<T>(n_rows, network.n_out());
  }
  if (weighs_features()) feature_weight_ = PanelMatrix<T>(n_rows, network.n_out());
}

/// The rows as they lie in the user's array, or null. They can be read there if they are in order
/// and need neither conversion nor a check of their range; the first layer's sums then tell whether
/// they are finite.
template <class T>
RowsInPlace<T> BatchRows<T>::rows_as_they_lie(const Batch& batch) const {
  const bool range_asked =
      options_.loss == Loss::binary_cross_entropy || is_of_counts(options_.loss);
  if (batch.range.rows != nullptr || range_asked || network_.n_layers() == 1 ||
      network_.layer(0).convolves() || options_.changes_input()) {
    return {};
  }
  return rows_in_place<T>(batch.data.x, options_.input);
}

template <class T>
MatrixPanels<const T> BatchRows<T>::input(const RowChunk& chunk) const {
  const RowsInPlace<T> rows = rows_as_they_lie(chunk.batch);
  if (rows.data == nullptr) return nonzero_.known(input_.from_row(0));
  return nonzero_.known({rows.data + (chunk.batch.range.first + chunk.first) * rows.row, rows.row,
                         kernels<T>().panel_width});
}

template <class T>
MatrixPanels<const T> BatchRows<T>::target(const RowChunk& chunk) const {
  return has_target(chunk.batch) ? target_.from_row(0) : input(chunk);
}

template <class T>
MatrixPanels<const T> BatchRows<T>::feature_weight() const {
  return weighs_features() ? feature_weight_.from_row(0) : MatrixPanels<const T>{};
}

template <class T>
void BatchRows<T>::gather(const RowBlock& block) {
  const Batch& batch = block.batch();
  const index_t row = block.row;
  const bool unit = options_.loss == Loss::binary_cross_entropy;
  const RowRange range = block.range();
  const RowSource* const target = batch.data.target;
  const bool gathers_target = target != nullptr && keeps_target_;
  if (!sparse_.input() && options_.changes_input()) {
    const MatrixPanels<T> weight =
        weighs_features() ? feature_weight_.into_row(row) : MatrixPanels<T>{};
    const MatrixPanels<T> compared = keeps_target_ ? target_.into_row(row) : MatrixPanels<T>{};
    gather_entering<T>(batch.data.x, gathers_target ? target : nullptr, range, options_.input,
                       &options_.noise, {options_.seed, batch.epoch}, unit && keeps_target_,
                       {input_.into_row(row), compared, weight});
  } else {
    if (!sparse_.input() && !in_place(batch)) {
      gather_rows<T>(batch.data.x, range, options_.input, unit && target == nullptr,
                     input_.row(row), input_.stride());
    }
    if (gathers_target) {
      gather_rows<T>(*target, range, {}, unit, target_.row(row), target_.stride());
    }
  }
  if (!sparse_.input()) nonzero_.find(input(block.chunk), row, block.rows);
  if (is_of_counts(options_.loss) && keeps_target_) {
    require_not_negative<T>(target != nullptr ? *target : batch.data.x, range,
                            (has_target(batch) ? target_ : input_).from_row(row));
  }
}

template class BatchRows<float>;
template class BatchRows<double>;

}  // namespace aecore
