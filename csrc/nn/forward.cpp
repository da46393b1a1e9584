#include "nn/forward.hpp"

#include <algorithm>
#include <vector>

#include "nn/panels.hpp"

namespace aecore {

namespace {

constexpr index_t kFewRows = 4;     // packing W costs about as much as four rows times W
constexpr index_t kBlockRows = 64;  // activations of a block stay in the second-level cache

template <class T>
index_t widest(const ForwardCall<T>& call) {
  const auto& sizes = call.network.layer_sizes();
  return *std::max_element(sizes.begin() + call.first_layer, sizes.begin() + call.last_layer + 1);
}

template <class T>
void forward_row(const ForwardCall<T>& call, index_t row, T* in, T* out) {
  const Kernels<T>& k = kernels<T>();
  const index_t width = k.panel_width;
  // A single row in panels with the stride of one row is the plain row.
  gather_rows<T>(call.x, RowRange{nullptr, row, 1}, call.input_scale, false, in, width);
  for (index_t l = call.first_layer; l < call.last_layer; ++l) {
    const Layer& layer = call.network.layer(l);
    k.row_times_matrix(in, layer.n_in, call.parameters + layer.weights, layer.n_out, out);
    const BiasActivation<T> context{call.parameters + layer.bias, layer.activation};
    for (index_t column = 0; column < layer.n_out; column += width) {
      k.bias_activation(&context, out + column, 0, 1, column,
                        std::min(width, layer.n_out - column));
    }
    std::swap(in, out);
  }
  const index_t n_out = call.network.layer_sizes()[static_cast<std::size_t>(call.last_layer)];
  std::copy(in, in + n_out, call.out + row * n_out);
}

template <class T>
void forward_few_rows(const ForwardCall<T>& call) {
  // Kept between calls: serving one row must not pay for an allocation.
  static thread_local AlignedBuffer<T> scratch;
  const index_t width = round_up(widest(call), kernels<T>().panel_width);
  scratch.reserve(2 * width);
  for (index_t row = 0; row < call.x.n_rows; ++row) {
    forward_row(call, row, scratch.data(), scratch.data() + width);
  }
}

template <class T>
void forward_block(const ForwardCall<T>& call, const std::vector<PackedWeights<T>>& packed,
                   index_t first, index_t rows, PanelMatrix<T>* in, PanelMatrix<T>* out) {
  const Kernels<T>& k = kernels<T>();
  gather_rows<T>(call.x, RowRange{nullptr, first, rows}, call.input_scale, false, in->row(0),
                 in->stride());
  for (index_t l = call.first_layer; l < call.last_layer; ++l) {
    const Layer& layer = call.network.layer(l);
    const PackedWeights<T>& w = packed[static_cast<std::size_t>(l - call.first_layer)];
    const BiasActivation<T> context{call.parameters + layer.bias, layer.activation};
    GemmCall<T> gemm{};
    gemm.a = in->row(0);
    gemm.a_stride = in->stride();
    gemm.b = w.data();
    gemm.b_stride = w.stride();
    gemm.c = out->row(0);
    gemm.c_stride = out->stride();
    gemm.row_end = rows;
    gemm.k = layer.n_in;
    gemm.n = layer.n_out;
    gemm.epilogue = k.bias_activation;
    gemm.context = &context;
    k.gemm(gemm);
    std::swap(in, out);
  }
  const index_t n_out = call.network.layer_sizes()[static_cast<std::size_t>(call.last_layer)];
  k.unpack(in->row(0), in->stride(), rows, n_out, call.out + first * n_out, n_out);
}

}  // namespace

template <class T>
void forward(const ForwardCall<T>& call, int n_threads, const Poll& poll) {
  if (call.x.n_rows <= kFewRows) {
    forward_few_rows(call);
    return;
  }
  std::vector<PackedWeights<T>> packed;
  for (index_t l = call.first_layer; l < call.last_layer; ++l) {
    packed.emplace_back(call.network.layer(l), false);
  }
  const index_t block_rows = std::min(kBlockRows, call.x.n_rows);
  const index_t n_blocks = ceil_div(call.x.n_rows, block_rows);
  n_threads = static_cast<int>(std::min(index_t{n_threads}, n_blocks));
  std::vector<PanelMatrix<T>> scratch;  // two for each worker
  for (int i = 0; i < 2 * n_threads; ++i) scratch.emplace_back(block_rows, widest(call));

  run_team(n_threads, poll, [&](Worker& worker) {
    worker.for_each(call.last_layer - call.first_layer, [&](index_t i) {
      PackedWeights<T>& w = packed[static_cast<std::size_t>(i)];
      w.pack(call.parameters + call.network.layer(call.first_layer + i).weights, 0, w.n_panels());
    });
    PanelMatrix<T>* const mine = &scratch[static_cast<std::size_t>(2 * worker.id())];
    worker.for_each(n_blocks, [&](index_t block) {
      const index_t first = block * block_rows;
      forward_block(call, packed, first, std::min(block_rows, call.x.n_rows - first), mine,
                    mine + 1);
    });
  });
}

template void forward<float>(const ForwardCall<float>&, int, const Poll&);
template void forward<double>(const ForwardCall<double>&, int, const Poll&);

}  // namespace aecore
