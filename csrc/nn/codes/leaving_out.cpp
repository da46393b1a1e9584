#include "nn/codes/leaving_out.hpp"

#include <cmath>

#include "core/random.hpp"

namespace aecore {

template <class T>
LeavingOut<T>::LeavingOut(const Network& network, const ObjectiveOptions& options, int n_threads)
    : network_(network), options_(options), top_k_(static_cast<std::size_t>(n_threads)) {
  for (index_t l = 0; l < network.n_layers(); ++l) {
    const Layer& layer = network.layer(l);
    if (layer.top_k == 0) continue;
    for (TopK<T>& each : top_k_) each.reserve(layer.n_out);
  }
}

template <class T>
void LeavingOut<T>::run(index_t layer, const RowBlock& block, const MatrixPanels<T>& h,
                        const MatrixPanels<T>& slope) {
  const Layer& l = network_.layer(layer);
  if (l.top_k > 0) {
    top_k_[static_cast<std::size_t>(block.worker)].keep(h, slope, block.rows, l.n_out, l.top_k);
  }
  if (options_.dropout <= 0) return;
  const RowRange rows = block.range();
  DropoutCall<T> call{};
  call.h = h.data;
  call.stride = h.stride;
  call.slope = slope.data;
  call.slope_stride = slope.stride;
  call.rows = rows.rows != nullptr ? rows.rows + rows.first : nullptr;
  call.first_row = rows.first;
  call.n_rows = rows.n;
  call.n_columns = l.n_out;
  call.dropped_below = static_cast<std::uint64_t>(std::ceil(options_.dropout * 0x1p32));
  call.scale = static_cast<T>(1 / (1 - options_.dropout));
  call.seed = options_.seed;
  call.epoch = block.batch().epoch;
  call.purpose = static_cast<std::uint32_t>(Purpose::dropout) | static_cast<std::uint32_t>(layer)
                                                                    << 8;
  kernels<T>().dropout(call);
}

template class LeavingOut<float>;
template class LeavingOut<double>;

}  // namespace aecore
