#include "nn/data/gradient_plan.hpp"

#include <algorithm>

namespace aecore {

namespace {

// Weights stream through once for each block of rows, so blocks are as large as their activations
// may be: 64 rows read W from the third-level cache four times as often, +30 % on deep and wide.
constexpr index_t kMaxBlockRows = 256;

}  // namespace

bool GradientPlan::samples_output(const Network& network, const ObjectiveOptions& options) const {
  return sparse_target && options.observed_only && network.n_layers() > 1 &&
         !network.output().convolves();
}

index_t GradientPlan::chunk_rows(const Network& network, const ObjectiveOptions& options,
                                 std::size_t element) const {
  double numbers = 0;  // of a row
  for (const index_t size : network.layer_sizes()) numbers += 2 * static_cast<double>(size);
  numbers += 2 * static_cast<double>(network.n_clusters());
  if (sparse_input) numbers -= 2 * static_cast<double>(network.n_in());
  if (sparse_target) numbers -= static_cast<double>(network.n_out());
  if (samples_output(network, options)) {
    numbers -= static_cast<double>(network.n_out());
  }
  const double fitting = scratch_bytes / (numbers * static_cast<double>(element));
  if (static_cast<double>(max_rows) <= fitting) return max_rows;
  return std::max(index_t{kSumBlock}, static_cast<index_t>(fitting) / kSumBlock * kSumBlock);
}

// Layers that convolve have few weights and much to keep for each row: -5 % on the workload conv.
index_t GradientPlan::block_rows(const Network& network, const ObjectiveOptions& options,
                                 std::size_t element) const {
  const index_t share = chunk_rows(network, options, element) / index_t{n_threads};
  const bool few = network.convolves(0, network.n_layers());
  return std::clamp(share / kStatisticsRows * kStatisticsRows, kStatisticsRows,
                    few ? kStatisticsRows : kMaxBlockRows);
}

bool GradientPlan::operator==(const GradientPlan& other) const {
  return max_rows == other.max_rows && n_threads == other.n_threads &&
         with_gradient == other.with_gradient && separate_target == other.separate_target &&
         scratch_bytes == other.scratch_bytes && clip == other.clip &&
         sparse_input == other.sparse_input && sparse_target == other.sparse_target;
}

GradientPlan GradientPlan::for_data(const DataSet& data, const Network& network) const {
  GradientPlan plan = *this;
  plan.separate_target = data.target != nullptr;
  plan.sparse_input = data.x.sparse();
  plan.sparse_target = data.sparse_target() && network.compares();
  return plan;
}

}  // namespace aecore
