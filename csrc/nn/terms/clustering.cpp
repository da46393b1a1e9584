#include "nn/terms/clustering.hpp"

#include <algorithm>
#include <vector>

namespace aecore {

namespace {

constexpr index_t kBlockRows = 256;  // of a task

template <class T>
ClusterCall<T> cluster_call(const MatrixPanels<const T>& z, index_t n_code,
                            const PanelOperand<T>& centers, index_t n_clusters, index_t n_rows) {
  ClusterCall<T> call{};
  call.z = z.data;
  call.z_stride = z.stride;
  call.n_code = n_code;
  call.centers = centers.data;
  call.centers_stride = centers.stride;
  call.n_clusters = n_clusters;
  call.n_rows = n_rows;
  return call;
}

}  // namespace

template <class T>
Clustering<T>::Clustering(const Network& network, const ObjectiveOptions& options, index_t rows)
    : options_(options),
      n_code_(network.n_clusters() > 0 ? network.layer(network.clusters()).n_in : 0),
      n_clusters_(network.n_clusters()) {
  if (!any()) return;
  target_ = PanelMatrix<T>(rows, n_clusters_);
  delta_ = PanelMatrix<T>(rows, n_clusters_);
  divergence_ = AlignedBuffer<double>(rows);
}

template <class T>
void Clustering<T>::run(const RowBlock& block, const PanelOperand<T>& centers, const Codes& codes) {
  gather_rows<T>(*block.batch().data.clusters, block.range(), {}, true, target_.row(block.row),
                 target_.stride());
  ClusterCall<T> call = cluster_call(codes.z, n_code_, centers, n_clusters_, block.rows);
  call.q = delta_.row(block.row);
  call.q_stride = delta_.stride();
  call.p = target_.row(block.row);
  call.p_stride = target_.stride();
  call.by_code = codes.by_code.data;
  call.by_code_stride = codes.by_code.stride;
  call.row_weight = codes.row_weight;
  call.weight = static_cast<T>(options_.clustering_weight);
  call.divergence = divergence_.data() + block.row;
  kernels<T>().clustering_loss(call);
}

template <class T>
void soft_assignment(const SoftAssignmentCall<T>& call, int n_threads, const Poll& poll) {
  const Kernels<T>& k = kernels<T>();
  const RowSource& codes = call.codes;
  const index_t n_code = codes.n_columns;
  PanelMatrix<T> centers(n_code, call.n_clusters);
  PanelOperand<T> columns{centers.row(0), n_code * k.panel_width};
  k.pack_transposed(call.centers, call.n_clusters, n_code, 0,
                    ceil_div(call.n_clusters, k.panel_width), centers.row(0));
  struct Scratch {
    PanelMatrix<T> z, q;
  };
  std::vector<Scratch> scratch;
  for (int i = 0; i < n_threads; ++i) {
    scratch.push_back(
        {PanelMatrix<T>(kBlockRows, n_code), PanelMatrix<T>(kBlockRows, call.n_clusters)});
  }
  run_team(n_threads, poll, [&](Team& team) {
    team.for_each(ceil_div(codes.n_rows, kBlockRows), [&](index_t block, int worker) {
      Scratch& mine = scratch[static_cast<std::size_t>(worker)];
      const index_t first = block * kBlockRows;
      const index_t n = std::min(kBlockRows, codes.n_rows - first);
      gather_rows<T>(codes, {nullptr, first, n, 0}, {}, false, mine.z.row(0), mine.z.stride());
      ClusterCall<T> rows = cluster_call(mine.z.from_row(0), n_code, columns, call.n_clusters, n);
      rows.q = mine.q.row(0);
      rows.q_stride = mine.q.stride();
      k.soft_assignment(rows);
      k.unpack(mine.q.row(0), mine.q.stride(), n, call.n_clusters,
               call.out + first * call.n_clusters, call.n_clusters);
    });
  });
}

template <class T>
void target_distribution(const T* q, index_t n_rows, index_t n_clusters, T* p) {
  const auto n = static_cast<std::size_t>(n_clusters);
  std::vector<double> sums(n), row(n);
  for (index_t i = 0; i < n_rows; ++i) {
    for (std::size_t j = 0; j < n; ++j)
      sums[j] += static_cast<double>(q[static_cast<std::size_t>(i) * n + j]);
  }
  for (index_t i = 0; i < n_rows; ++i, q += n_clusters, p += n_clusters) {
    double total = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const auto q_ij = static_cast<double>(q[j]);
      row[j] = sums[j] > 0 ? q_ij * q_ij / sums[j] : 0;
      total += row[j];
    }
    for (std::size_t j = 0; j < n; ++j) p[j] = static_cast<T>(row[j] / total);
  }
}

template class Clustering<float>;
template class Clustering<double>;
template void soft_assignment<float>(const SoftAssignmentCall<float>&, int, const Poll&);
template void soft_assignment<double>(const SoftAssignmentCall<double>&, int, const Poll&);
template void target_distribution<float>(const float*, index_t, index_t, float*);
template void target_distribution<double>(const double*, index_t, index_t, double*);

}  // namespace aecore
