#include "nn/serve/forward.hpp"

#include <algorithm>
#include <vector>

#include "core/float_mode.hpp"
#include "nn/codes/top_k.hpp"
#include "nn/data/nonzero.hpp"
#include "nn/rows/entering.hpp"
#include "nn/serve/row_forward.hpp"
#include "nn/sparse/sparse_rows.hpp"
#include "nn/weights/panels.hpp"
#include "nn/weights/weights.hpp"

namespace aecore {

namespace {

constexpr index_t kFewRows = 4;     // packing W costs about as much as four rows times W
constexpr index_t kBlockRows = 70;  // whole tiles; their activations stay in the second-level cache
constexpr index_t kSparseRows = 280;  // a row of W is read once for all that have its column

/// Of the layers whose numbers are kept in panels.
template <class T>
index_t widest(const ForwardCall<T>& call) {
  const auto begin = call.network.layer_sizes().begin();
  const auto first = begin + call.first_layer + (call.x.sparse() ? 1 : 0);
  const auto end = begin + call.last_layer + (call.taker != nullptr ? 0 : 1);
  return first < end ? *std::max_element(first, end) : 1;
}

/// A product of rows in place or in panels, or of sparse ones.
template <class T>
void run_product(const GemmCall<T>& gemm, const SparseRows<T>* sparse, T* part) {
  const Kernels<T>& k = kernels<T>();
  if (sparse == nullptr) return k.gemm(gemm);
  k.sparse_gemm(gemm, sparse->by_column(), part);
  k.finish(gemm);
}

/// What a worker needs for its blocks.
template <class T>
struct Scratch {
  PanelMatrix<T> in, out;
  TopK<T> top_k;
  SparseRows<T> sparse{1};
  Nonzero<T> nonzero;  // of rows that are not sparse
  AlignedBuffer<T> part;

  Scratch(const ForwardCall<T>& call, index_t rows)
      : in(rows, widest(call)),
        out(rows, widest(call)),
        part(call.x.sparse() ? rows * kernels<T>().panel_width : 0) {
    top_k.reserve(widest(call));
    if (!call.x.sparse()) nonzero = Nonzero<T>(call.network.layer(call.first_layer), rows);
  }
};

template <class T>
void gather_input(const ForwardCall<T>& call, const RowRange& range, const MatrixPanels<T>& to) {
  if (call.input.changes()) {
    gather_entering<T>(call.x, nullptr, range, call.input, nullptr, {}, false, {to, {}, {}});
  } else {
    gather_rows<T>(call.x, range, call.input, false, to.data, to.stride);
  }
}

template <class T>
void gather_sparse(const ForwardCall<T>& call, const RowRange& range, SparseRows<T>& rows) {
  rows.begin(call.x, range, {&call.input, nullptr, {}, {}});
  rows.gather(0, range.n, 0);
}

template <class T>
void forward_few_rows(const ForwardCall<T>& call) {
  // Kept between calls: serving one row must not pay for an allocation.
  static thread_local RowForward<T> one_row;
  static thread_local AlignedBuffer<T> gathered;
  static thread_local SparseRows<T> sparse(1);
  static thread_local AlignedBuffer<T> taken;
  const FloatMode mode(FloatMode::flush_to_zero);  // as in a team: the same bits
  one_row.reserve(call.network, call.first_layer, call.last_layer);
  const RowsInPlace<T> x = rows_in_place<T>(call.x, call.input);
  if (x.data == nullptr) {
    gathered.reserve(round_up(call.x.n_columns, kernels<T>().panel_width));
  }
  const index_t n_out = call.network.layer(call.last_layer - 1).n_out;
  if (call.taker != nullptr) taken.reserve(n_out);
  for (index_t row = 0; row < call.x.n_rows; ++row) {
    const T* in = x.data + row * x.row;
    if (call.x.sparse()) {
      gather_sparse<T>(call, {nullptr, row, 1, 0}, sparse);
      sparse.scatter(0, gathered.data());
      in = gathered.data();
    } else if (x.data == nullptr) {
      // A single row in panels with the stride of one row is the plain row.
      const index_t width = kernels<T>().panel_width;
      gather_input<T>(call, RowRange{nullptr, row, 1, 0}, {gathered.data(), width, width});
      in = gathered.data();
    }
    T* const out = call.taker != nullptr ? taken.data() : call.out + row * n_out;
    if (!one_row.run(call.network, call.parameters, call.first_layer, call.last_layer, in, out)) {
      require_finite<T>(call.x, row, 1);
    }
    if (call.taker != nullptr) {
      call.taker->begin(row, 1, 0);
      call.taker->take(0, n_out, out, n_out, 0);
      call.taker->end(0);
    }
  }
}

/// The last layer of rows that nobody keeps: each panel of C takes the place of the one before.
template <class T>
void take_outputs(const ForwardCall<T>& call, GemmCall<T> gemm, index_t first,
                  const SparseRows<T>* sparse, T* part, int worker) {
  const Kernels<T>& k = kernels<T>();
  const index_t n_out = gemm.column_end;
  gemm.c_stride = 0;
  call.taker->begin(first, gemm.row_end, worker);
  for (index_t column = 0; column < n_out; column += k.panel_width) {
    gemm.column_begin = column;
    gemm.column_end = std::min(n_out, column + k.panel_width);
    run_product(gemm, sparse, part);
    call.taker->take(column, gemm.column_end - column, gemm.c, k.panel_width, worker);
  }
  call.taker->end(worker);
}

template <class T>
void forward_block(const ForwardCall<T>& call, const PanelWeights<T>& weights, index_t first,
                   index_t rows, index_t next, Scratch<T>& scratch, int worker) {
  const Kernels<T>& k = kernels<T>();
  PanelMatrix<T>* in = &scratch.in;
  PanelMatrix<T>* out = &scratch.out;
  // Where the first layer convolves, its first sums would not tell of all numbers.
  const bool gathers = call.network.layer(call.first_layer).convolves();
  const RowsInPlace<T> x = gathers ? RowsInPlace<T>{} : rows_in_place<T>(call.x, call.input);
  const bool in_place = x.data != nullptr;
  MatrixPanels<const T> a = in->from_row(0);  // of a product
  bool not_finite = false;
  const RowRange range{nullptr, first, rows, 0};
  if (call.x.sparse()) {
    gather_sparse(call, range, scratch.sparse);
    scratch.sparse.transpose();
  } else if (in_place) {
    a = {x.data + first * x.row, x.row, k.panel_width};
  } else {
    gather_input<T>(call, range, in->into_row(0));
  }
  if (!call.x.sparse()) {
    scratch.nonzero.find(a, 0, rows);
    a = scratch.nonzero.known(a);
  }
  RowFetch ahead = plan_fetch(call.x, RowRange{nullptr, 0, call.x.n_rows, 0}, next, rows);
  for (index_t l = call.first_layer; l < call.last_layer; ++l) {
    const index_t product = call.product(l);
    const Layer& layer = call.network.layer(product);
    const bool reads_x = l == call.first_layer;
    GemmCall<T> gemm =
        panel_product(a, weights.product(product), out->into_row(0), layer.n_in, layer.n_out);
    gemm.row_end = rows;
    const BiasActivation<T> context{weights.bias(product), layer.activation,
                                    reads_x && in_place ? &not_finite : nullptr};
    gemm.epilogue = k.bias_activation;
    gemm.context = &context;
    gemm.ahead = reads_x ? &ahead : nullptr;
    const SparseRows<T>* const sparse = reads_x && call.x.sparse() ? &scratch.sparse : nullptr;
    if (call.taker != nullptr && l + 1 == call.last_layer) {
      take_outputs(call, gemm, first, sparse, scratch.part.data(), worker);
    } else {
      run_product(gemm, sparse, scratch.part.data());
    }
    if (layer.activation == Activation::softmax) {
      k.softmax(out->row(0), out->stride(), rows, layer.n_out);
    }
    if (layer.top_k > 0) scratch.top_k.keep(out->into_row(0), {}, rows, layer.n_out, layer.top_k);
    std::swap(in, out);
    a = in->from_row(0);
  }
  if (not_finite) require_finite<T>(call.x, first, rows);
  const index_t n_out = call.network.layer_sizes()[static_cast<std::size_t>(call.last_layer)];
  if (call.taker != nullptr) return;
  k.unpack(in->row(0), in->stride(), rows, n_out, call.out + first * n_out, n_out);
}

}  // namespace

template <class T>
void forward(const ForwardCall<T>& call, int n_threads, const Poll& poll) {
  if (call.x.n_rows <= kFewRows && !call.log_variance &&
      !call.network.convolves(call.first_layer, call.last_layer)) {
    forward_few_rows(call);
    return;
  }
  PanelWeights<T> weights(call.network, false);
  const index_t block_rows = std::min(call.x.sparse() ? kSparseRows : kBlockRows, call.x.n_rows);
  const index_t n_blocks = ceil_div(call.x.n_rows, block_rows);
  n_threads = static_cast<int>(std::min(index_t{n_threads}, n_blocks));
  std::vector<Scratch<T>> scratch;  // by worker
  for (int i = 0; i < n_threads; ++i) scratch.emplace_back(call, block_rows);

  // Tied layers take their weights from the encoder, whichever part is asked for.
  const index_t first_loaded = call.network.tied() ? 0 : call.first_layer;
  run_team(n_threads, poll, [&](Team& team) {
    team.for_each(call.last_layer - first_loaded, [&](index_t i, int) {
      weights.load(call.product(first_loaded + i), call.parameters);
    });
    team.for_each(n_blocks, [&](index_t block, int worker) {
      const index_t first = block * block_rows;
      forward_block(call, weights, first, std::min(block_rows, call.x.n_rows - first),
                    first + team.size() * block_rows, scratch[static_cast<std::size_t>(worker)],
                    worker);
    });
  });
}

template void forward<float>(const ForwardCall<float>&, int, const Poll&);
template void forward<double>(const ForwardCall<double>&, int, const Poll&);

}  // namespace aecore
