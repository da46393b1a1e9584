#include "nn/terms/gaussian_code.hpp"

#include "core/random.hpp"

namespace aecore {

template <class T>
GaussianCode<T>::GaussianCode(const Network& network, const ObjectiveOptions& options, index_t rows,
                              bool with_gradient)
    : options_(options), with_gradient_(with_gradient) {
  if (network.gaussian() < 0 || !options.draws_code) return;
  layer_ = network.gaussian();
  n_units_ = network.layer(layer_).n_out;
  log_variance_ = PanelMatrix<T>(rows, n_units_);
  divergence_ = AlignedBuffer<double>(rows);
  if (!with_gradient) return;
  by_mean_ = PanelMatrix<T>(rows, n_units_);
  by_log_variance_ = PanelMatrix<T>(rows, n_units_);
}

template <class T>
void GaussianCode<T>::draw(const RowBlock& block, const MatrixPanels<T>& z, const T* row_weight) {
  const RowRange rows = block.range();
  GaussianCall<T> call{};
  call.z = z.data;
  call.z_stride = z.stride;
  call.log_variance = log_variance_.row(block.row);
  call.stride = log_variance_.stride();
  if (with_gradient_) {
    call.by_mean = by_mean_.row(block.row);
    call.by_log_variance = by_log_variance_.row(block.row);
  }
  call.divergence = divergence_.data() + block.row;
  call.row_weight = row_weight;
  call.beta = static_cast<T>(block.batch().warm_up * options_.beta);
  call.free_bits = static_cast<T>(options_.free_bits);
  call.rows = rows.rows != nullptr ? rows.rows + rows.first : nullptr;
  call.first_row = rows.first;
  call.n_rows = rows.n;
  call.n_columns = n_units_;
  call.seed = options_.seed;
  call.epoch = block.batch().epoch;
  call.purpose = static_cast<std::uint32_t>(Purpose::code) | static_cast<std::uint32_t>(layer_)
                                                                 << 8;
  kernels<T>().draw_code(call);
}

template <class T>
GaussianBackward<T> GaussianCode<T>::backward() {
  return {log_variance_.row(0), by_mean_.row(0), by_log_variance_.row(0), log_variance_.stride()};
}

template class GaussianCode<float>;
template class GaussianCode<double>;

}  // namespace aecore
