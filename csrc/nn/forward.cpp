#include "nn/forward.hpp"

#include <algorithm>
#include <vector>

#include "core/float_mode.hpp"
#include "nn/panels.hpp"
#include "nn/weights.hpp"

namespace aecore {

namespace {

constexpr index_t kFewRows = 4;     // packing W costs about as much as four rows times W
constexpr index_t kBlockRows = 64;  // activations of a block stay in the second-level cache

index_t widest_layer(const Network& network, index_t first, index_t last) {
  const auto& sizes = network.layer_sizes();
  return *std::max_element(sizes.begin() + first, sizes.begin() + last + 1);
}

template <class T>
index_t widest(const ForwardCall<T>& call) {
  return widest_layer(call.network, call.first_layer, call.last_layer);
}

template <class T>
void forward_few_rows(const ForwardCall<T>& call) {
  // Kept between calls: serving one row must not pay for an allocation.
  static thread_local AlignedBuffer<T> scratch;
  const FloatMode mode(FloatMode::flush_to_zero);  // as in a team: the same bits
  const index_t width = row_scratch_width<T>(call.network, call.first_layer, call.last_layer);
  scratch.reserve(2 * width);
  T* const in = scratch.data();
  const index_t n_out = call.network.layer(call.last_layer - 1).n_out;
  for (index_t row = 0; row < call.x.n_rows; ++row) {
    // A single row in panels with the stride of one row is the plain row.
    gather_rows<T>(call.x, RowRange{nullptr, row, 1, 0}, call.input_scale, false, in,
                   kernels<T>().panel_width);
    const T* const result = forward_row(call.network, call.parameters, call.first_layer,
                                        call.last_layer, in, in + width);
    std::copy(result, result + n_out, call.out + row * n_out);
  }
}

template <class T>
void forward_block(const ForwardCall<T>& call, const PanelWeights<T>& weights, index_t first,
                   index_t rows, index_t next, PanelMatrix<T>* in, PanelMatrix<T>* out) {
  const Kernels<T>& k = kernels<T>();
  gather_rows<T>(call.x, RowRange{nullptr, first, rows, 0}, call.input_scale, false, in->row(0),
                 in->stride());
  for (index_t l = call.first_layer; l < call.last_layer; ++l) {
    const Layer& layer = call.network.layer(l);
    const BiasActivation<T> context{weights.bias(l), layer.activation};
    GemmCall<T> gemm{};
    gemm.a = in->row(0);
    gemm.a_stride = in->stride();
    gemm.b = weights.weights(l);
    gemm.b_stride = weights.layout().stride(l);
    gemm.c = out->row(0);
    gemm.c_stride = out->stride();
    gemm.row_end = rows;
    gemm.k = layer.n_in;
    gemm.column_end = layer.n_out;
    gemm.epilogue = k.bias_activation;
    gemm.context = &context;
    RowFetch ahead{};
    if (l == call.first_layer) {
      ahead = plan_fetch(call.x, RowRange{nullptr, 0, call.x.n_rows, 0}, next, rows, gemm);
      gemm.ahead = &ahead;
    }
    k.gemm(gemm);
    std::swap(in, out);
  }
  const index_t n_out = call.network.layer_sizes()[static_cast<std::size_t>(call.last_layer)];
  k.unpack(in->row(0), in->stride(), rows, n_out, call.out + first * n_out, n_out);
}

}  // namespace

template <class T>
index_t row_scratch_width(const Network& network, index_t first_layer, index_t last_layer) {
  return round_up(widest_layer(network, first_layer, last_layer), kernels<T>().panel_width);
}

template <class T>
T* forward_row(const Network& network, const T* parameters, index_t first_layer, index_t last_layer,
               T* in, T* out) {
  const Kernels<T>& k = kernels<T>();
  const index_t width = k.panel_width;
  for (index_t l = first_layer; l < last_layer; ++l) {
    const Layer& layer = network.layer(l);
    k.row_times_matrix(in, layer.n_in, parameters + layer.weights, layer.n_out, out);
    const BiasActivation<T> context{parameters + layer.bias, layer.activation};
    for (index_t column = 0; column < layer.n_out; column += width) {
      k.bias_activation(&context, out + column, 0, 1, column,
                        std::min(width, layer.n_out - column));
    }
    std::swap(in, out);
  }
  return in;
}

template <class T>
void forward(const ForwardCall<T>& call, int n_threads, const Poll& poll) {
  if (call.x.n_rows <= kFewRows) {
    forward_few_rows(call);
    return;
  }
  PanelWeights<T> weights(call.network, false);
  const index_t block_rows = std::min(kBlockRows, call.x.n_rows);
  const index_t n_blocks = ceil_div(call.x.n_rows, block_rows);
  n_threads = static_cast<int>(std::min(index_t{n_threads}, n_blocks));
  std::vector<PanelMatrix<T>> scratch;  // two for each worker
  for (int i = 0; i < 2 * n_threads; ++i) scratch.emplace_back(block_rows, widest(call));

  run_team(n_threads, poll, [&](Team& team) {
    team.for_each(call.last_layer - call.first_layer,
                  [&](index_t i, int) { weights.load(call.first_layer + i, call.parameters); });
    team.for_each(n_blocks, [&](index_t block, int worker) {
      PanelMatrix<T>* const mine = &scratch[static_cast<std::size_t>(2 * worker)];
      const index_t first = block * block_rows;
      forward_block(call, weights, first, std::min(block_rows, call.x.n_rows - first),
                    first + team.size() * block_rows, mine, mine + 1);
    });
  });
}

template index_t row_scratch_width<float>(const Network&, index_t, index_t);
template index_t row_scratch_width<double>(const Network&, index_t, index_t);
template float* forward_row<float>(const Network&, const float*, index_t, index_t, float*, float*);
template double* forward_row<double>(const Network&, const double*, index_t, index_t, double*,
                                     double*);
template void forward<float>(const ForwardCall<float>&, int, const Poll&);
template void forward<double>(const ForwardCall<double>&, int, const Poll&);

}  // namespace aecore
