#include "nn/terms/sparsity.hpp"

#include <algorithm>
#include <cmath>

namespace aecore {

template <class T>
Sparsity<T>::Sparsity(const Network& network, const ObjectiveOptions& options, index_t max_rows)
    : network_(network),
      options_(options),
      last_(options.last_sparse()),
      penalty_(static_cast<std::size_t>(network.n_layers())) {
  if (!options.sparse()) return;
  for (const index_t l : options.sparsity_layers) {
    const index_t padded = round_up(network.layer(l).n_out, kernels<T>().panel_width);
    block_sums_.emplace_back(checked_mul(ceil_div(max_rows, kStatisticsRows), padded));
    penalty_[static_cast<std::size_t>(l)] = AlignedBuffer<T>(padded);
  }
}

template <class T>
void Sparsity<T>::add_rows(const HiddenRows<T>& hidden, const T* row_weight,
                           const RowBlock& block) {
  for (std::size_t s = 0; s < block_sums_.size(); ++s) {
    const index_t l = options_.sparsity_layers[s];
    const MatrixPanels<const T> h = hidden.h(l, block.chunk, block.row);
    const index_t n = network_.layer(l).n_out;
    const index_t padded = round_up(n, kernels<T>().panel_width);
    for (index_t row = 0; row < block.rows; row += kStatisticsRows) {
      const index_t at = block.first() + row, count = std::min(kStatisticsRows, block.rows - row);
      kernels<T>().column_sums(h.data + row * h.row, h.stride, count, n, row_weight + at, false,
                               block_sums_[s].data() + at / kStatisticsRows * padded);
    }
  }
}

template <class T>
void Sparsity<T>::finish(index_t n_rows, double* running) {
  value_ = 0;
  for (std::size_t s = 0; s < block_sums_.size(); ++s) {
    const index_t l = options_.sparsity_layers[s];
    const Layer& layer = network_.layer(l);
    const index_t padded = round_up(layer.n_out, kernels<T>().panel_width);
    for (index_t j = 0; j < layer.n_out; ++j) {
      double mean = 0;
      for (index_t b = 0; b < ceil_div(n_rows, kStatisticsRows); ++b) {
        mean += static_cast<double>(block_sums_[s][b * padded + j]);
      }
      double rho_hat = rho_hat_of_mean(layer.activation, mean);
      double share = 1;  // of this batch in rho_hat
      if (running != nullptr) {
        if (!std::isnan(running[j])) {
          share = 1 - options_.sparsity_momentum;
          rho_hat = options_.sparsity_momentum * running[j] + share * rho_hat;
        }
        running[j] = rho_hat;
      }
      const SparsityTerm term = sparsity_term(options_, layer.activation, rho_hat);
      value_ += term.value;
      penalty_[static_cast<std::size_t>(l)][j] = static_cast<T>(share * term.slope);
    }
    if (running != nullptr) running += layer.n_out;
  }
}

template <class T>
const T* Sparsity<T>::penalty(index_t layer) const {
  const AlignedBuffer<T>& buffer = penalty_[static_cast<std::size_t>(layer)];
  return buffer.size() > 0 ? buffer.data() : nullptr;
}

template class Sparsity<float>;
template class Sparsity<double>;

}  // namespace aecore
