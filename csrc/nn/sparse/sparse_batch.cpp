#include "nn/sparse/sparse_batch.hpp"

#include <algorithm>

#include "nn/data/targets.hpp"
#include "nn/model/names.hpp"

namespace aecore {

namespace {

void check_missing(const RowSource& rows, const InputOptions& input) {
  AECORE_REQUIRE(!rows.sparse() || !input.mask_missing,
                 "missing must be None where " + rows.name +
                     " is sparse, whose absent entries are zeros; got 'mask'");
}

}  // namespace

void check_sparse_input(const RowSource& x, const InputOptions& input) {
  check_missing(x, input);
  const bool shifts = std::any_of(input.offset.begin(), input.offset.end(),
                                  [](double offset) { return offset != 0; });
  AECORE_REQUIRE(!x.sparse() || !shifts,
                 "scale must be None or 'maxabs' where " + x.name +
                     " is sparse; got columns with an offset, which would fill it");
}

void check_sparse_rows(const RowSource& x, const RowSource* target,
                       const ObjectiveOptions& options) {
  check_sparse_input(x, options.input);
  if (target != nullptr) check_missing(*target, options.input);
  const NoiseOptions& noise = options.noise;
  AECORE_REQUIRE(!x.sparse() || noise.kind == Noise::none || noise.kind == Noise::masking,
                 "noise must be None or 'masking' where " + x.name + " is sparse; got '" +
                     noise_names()[static_cast<std::size_t>(noise.kind) - 1] + "'");
  AECORE_REQUIRE(!x.sparse() || !noise.weighs(), "noise_emphasis must be 1 where " + x.name +
                                                     " is sparse; got " +
                                                     std::to_string(noise.emphasis));
  AECORE_REQUIRE(!options.observed_only || (target != nullptr ? *target : x).sparse(),
                 "observed_only must be False unless the target is sparse");
}

template <class T>
SparseBatch<T>::SparseBatch(const Network& network, const ObjectiveOptions& options,
                            const GradientPlan& plan)
    : options_(options),
      input_(plan.sparse_input),
      target_(plan.sparse_target),
      block_rows_(plan.block_rows(network, options, sizeof(T))),
      entering_(plan.n_threads),
      compared_(plan.n_threads) {
  if (!input_ && !(target_ && options.observed_only)) return;
  const index_t size = plan.chunk_rows(network, options, sizeof(T)) * kernels<T>().panel_width;
  for (int i = 0; i < plan.n_threads; ++i) part_.emplace_back(size);
}

template <class T>
void SparseBatch<T>::gather(Team& team, const RowChunk& chunk) {
  if (!input_ && !target_) return;
  const Batch& batch = chunk.batch;
  const RowSource* const target = batch.data.target;
  const RowRange range = batch.part(chunk.first, chunk.rows);
  const Asked asked{false, options_.loss == Loss::binary_cross_entropy,
                    is_of_counts(options_.loss)};
  apart_ = target_ && target != nullptr;
  if (input_) {
    entering_.begin(batch.data.x, range,
                    {&options_.input,
                     options_.noise.kind != Noise::none ? &options_.noise : nullptr,
                     {options_.seed, batch.epoch},
                     target == nullptr ? asked : Asked{}});
  }
  if (apart_) compared_.begin(*target, range, {&unscaled_, nullptr, {}, asked});
  team.for_each(ceil_div(range.n, block_rows_), [&](index_t block, int worker) {
    const index_t first = block * block_rows_;
    const index_t n = std::min(block_rows_, range.n - first);
    if (input_) entering_.gather(first, n, worker);
    if (apart_) compared_.gather(first, n, worker);
  });
  if (target_) as_target_ = (apart_ ? compared_ : entering_).as_target(options_.observed_only);
  if (!input_) return;
  entering_.transpose();
  by_column_ = entering_.by_column();
}

template <class T>
void SparseBatch<T>::multiply(Team& team, const Product& product, Epilogue<T> epilogue,
                              const void* context) {
  const Kernels<T>& k = kernels<T>();
  team.for_each(ceil_div(product.n, k.panel_width), [&](index_t panel, int worker) {
    GemmCall<T> call = panel_product<T>({}, product.b, product.c, product.k, product.n);
    call.row_end = product.rows;
    call.column_begin = panel * k.panel_width;
    call.column_end = std::min(product.n, call.column_begin + k.panel_width);
    call.epilogue = epilogue;
    call.context = context;
    k.sparse_gemm(call, product.a, part_[static_cast<std::size_t>(worker)].data());
    if (epilogue != nullptr) k.finish(call);
  });
}

template class SparseBatch<float>;
template class SparseBatch<double>;

}  // namespace aecore
