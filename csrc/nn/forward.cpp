#include "nn/forward.hpp"

#include <algorithm>
#include <vector>

#include "core/float_mode.hpp"
#include "nn/entering.hpp"
#include "nn/panels.hpp"
#include "nn/row_forward.hpp"
#include "nn/top_k.hpp"
#include "nn/weights.hpp"

namespace aecore {

namespace {

constexpr index_t kFewRows = 4;     // packing W costs about as much as four rows times W
constexpr index_t kBlockRows = 70;  // whole tiles; their activations stay in the second-level cache

template <class T>
index_t widest(const ForwardCall<T>& call) {
  const auto begin = call.network.layer_sizes().begin();
  return *std::max_element(begin + call.first_layer, begin + call.last_layer + 1);
}

template <class T>
void gather_input(const ForwardCall<T>& call, const RowRange& range, const MatrixPanels<T>& to) {
  if (call.input.mask_missing) {
    gather_entering<T>(call.x, nullptr, range, call.input, nullptr, {}, false, {to, {}, {}});
  } else {
    gather_rows<T>(call.x, range, call.input, false, to.data, to.stride);
  }
}

template <class T>
void forward_few_rows(const ForwardCall<T>& call) {
  // Kept between calls: serving one row must not pay for an allocation.
  static thread_local RowForward<T> one_row;
  static thread_local AlignedBuffer<T> gathered;
  const FloatMode mode(FloatMode::flush_to_zero);  // as in a team: the same bits
  one_row.reserve(call.network, call.first_layer, call.last_layer);
  const RowsInPlace<T> x = rows_in_place<T>(call.x, call.input);
  if (x.data == nullptr) {
    gathered.reserve(round_up(call.x.n_columns, kernels<T>().panel_width));
  }
  const index_t n_out = call.network.layer(call.last_layer - 1).n_out;
  for (index_t row = 0; row < call.x.n_rows; ++row) {
    const T* in = x.data + row * x.row;
    if (x.data == nullptr) {
      // A single row in panels with the stride of one row is the plain row.
      const index_t width = kernels<T>().panel_width;
      gather_input<T>(call, RowRange{nullptr, row, 1, 0}, {gathered.data(), width, width});
      in = gathered.data();
    }
    if (!one_row.run(call.network, call.parameters, call.first_layer, call.last_layer, in,
                     call.out + row * n_out)) {
      require_finite<T>(call.x, row, 1);
    }
  }
}

/// Layer l of a block of rows; `x` names the rows that the first layer reads in place, or nothing.
template <class T>
GemmCall<T> layer_product(const PanelWeights<T>& weights, const Layer& layer, index_t l,
                          index_t rows, const PanelMatrix<T>& in, const RowsInPlace<T>& x,
                          PanelMatrix<T>* out) {
  GemmCall<T> gemm{};
  gemm.a = x.data != nullptr ? x.data : in.row(0);
  gemm.a_row = x.data != nullptr ? x.row : kernels<T>().panel_width;
  gemm.a_stride = x.data != nullptr ? kernels<T>().panel_width : in.stride();
  const PanelOperand<T> w = weights.product(l);
  gemm.b = w.data;
  gemm.b_row = gemm.c_row = kernels<T>().panel_width;
  gemm.b_stride = w.stride;
  gemm.c = out->row(0);
  gemm.c_stride = out->stride();
  gemm.row_end = rows;
  gemm.k = layer.n_in;
  gemm.column_end = layer.n_out;
  return gemm;
}

template <class T>
void forward_block(const ForwardCall<T>& call, const PanelWeights<T>& weights, index_t first,
                   index_t rows, index_t next, PanelMatrix<T>* in, PanelMatrix<T>* out,
                   TopK<T>* top_k) {
  const Kernels<T>& k = kernels<T>();
  RowsInPlace<T> x = rows_in_place<T>(call.x, call.input);
  const bool in_place = x.data != nullptr;
  bool not_finite = false;
  if (in_place) {
    x.data += first * x.row;
  } else {
    gather_input<T>(call, RowRange{nullptr, first, rows, 0}, in->into_row(0));
  }
  RowFetch ahead = plan_fetch(call.x, RowRange{nullptr, 0, call.x.n_rows, 0}, next, rows);
  for (index_t l = call.first_layer; l < call.last_layer; ++l) {
    const Layer& layer = call.network.layer(l);
    const bool reads_x = l == call.first_layer;
    GemmCall<T> gemm =
        layer_product(weights, layer, l, rows, *in, reads_x ? x : RowsInPlace<T>{}, out);
    const BiasActivation<T> context{weights.bias(l), layer.activation,
                                    reads_x && in_place ? &not_finite : nullptr};
    gemm.epilogue = k.bias_activation;
    gemm.context = &context;
    gemm.ahead = reads_x ? &ahead : nullptr;
    k.gemm(gemm);
    if (layer.activation == Activation::softmax) {
      k.softmax(out->row(0), out->stride(), rows, layer.n_out);
    }
    if (layer.top_k > 0) top_k->keep(out->into_row(0), {}, rows, layer.n_out, layer.top_k);
    std::swap(in, out);
  }
  if (not_finite) require_finite<T>(call.x, first, rows);
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
  PanelWeights<T> weights(call.network, false);
  const index_t block_rows = std::min(kBlockRows, call.x.n_rows);
  const index_t n_blocks = ceil_div(call.x.n_rows, block_rows);
  n_threads = static_cast<int>(std::min(index_t{n_threads}, n_blocks));
  std::vector<PanelMatrix<T>> scratch;  // two for each worker
  for (int i = 0; i < 2 * n_threads; ++i) scratch.emplace_back(block_rows, widest(call));

  std::vector<TopK<T>> top_k(static_cast<std::size_t>(n_threads));
  for (TopK<T>& each : top_k) each.reserve(widest(call));

  // Tied layers take their weights from the encoder, whichever part is asked for.
  const index_t first_loaded = call.network.tied() ? 0 : call.first_layer;
  run_team(n_threads, poll, [&](Team& team) {
    team.for_each(call.last_layer - first_loaded,
                  [&](index_t i, int) { weights.load(first_loaded + i, call.parameters); });
    team.for_each(n_blocks, [&](index_t block, int worker) {
      PanelMatrix<T>* const mine = &scratch[static_cast<std::size_t>(2 * worker)];
      const index_t first = block * block_rows;
      forward_block(call, weights, first, std::min(block_rows, call.x.n_rows - first),
                    first + team.size() * block_rows, mine, mine + 1,
                    &top_k[static_cast<std::size_t>(worker)]);
    });
  });
}

template void forward<float>(const ForwardCall<float>&, int, const Poll&);
template void forward<double>(const ForwardCall<double>&, int, const Poll&);

}  // namespace aecore
