// Clusters of a code: J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for clustering
// analysis" (DEC), ICML 2016; X. Guo, L. Gao, X. Liu, J. Yin, "Improved deep embedded clustering
// with local structure preservation" (IDEC), IJCAI 2017, where the reconstruction loss stays. With
// centres mu_j, Student's t with one degree of freedom makes a row's soft assignment
//
//   q_ij = u_ij / sum_j' u_ij',   u_ij = 1 / (1 + |z_i - mu_j|^2)
//
// (the square limited to 2^125, in float64 to 2^1020: far from all centres q is the same for all)
// and a target p that is held fixed for some steps pulls it:
//
//   J gains gamma sum_i w_i sum_j p_ij log(p_ij / q_ij)
//   p_ij in proportion to q_ij^2 / f_j,   f_j = sum_i q_ij,   over all rows
//
// Back again, with delta_ij = -2 gamma w_i (p_ij - q_ij) u_ij,
//
//   dJ/dz_i = sum_j delta_ij (mu_j - z_i),   dJ/dmu_j = sum_i delta_ij (z_i - mu_j)
//
// So the centres are a product's weights W = mu^T, whose delta this is: W^T takes it back into the
// code, A^T delta is its gradient, and to both is added what comes of the distance's other end.
#pragma once

#include "core/threads.hpp"
#include "nn/data/batch.hpp"
#include "nn/model/objective.hpp"
#include "nn/weights/panels.hpp"

namespace aecore {

template <class T>
class Clustering {
 public:
  /// For up to `rows` in scratch at a time.
  Clustering(const Network& network, const ObjectiveOptions& options, index_t rows);

  bool any() const { return n_clusters_ > 0; }

  /// The codes of a block's rows, from the first of them on.
  struct Codes {
    MatrixPanels<const T> z;
    const T* row_weight;
    MatrixPanels<T> by_code;  // gets -z_i sum_j delta_ij; null: no gradient
  };
  /// delta and the divergence of the rows, whose p the data has.
  void run(const RowBlock& block, const PanelOperand<T>& centers, const Codes& codes);

  MatrixPanels<const T> delta() const { return delta_.from_row(0); }
  /// KL of each row of scratch.
  const double* divergence() const { return divergence_.data(); }

 private:
  const ObjectiveOptions& options_;
  const index_t n_code_, n_clusters_;
  PanelMatrix<T> target_, delta_;
  AlignedBuffer<double> divergence_;
};

/// q of n_rows codes (n_code wide) and n_clusters centres, all row-major, to `out`.
template <class T>
struct SoftAssignmentCall {
  RowSource codes;
  const T* centers;
  index_t n_clusters;
  T* out;
};
template <class T>
void soft_assignment(const SoftAssignmentCall<T>& call, int n_threads, const Poll& poll);

/// p of q, n_rows x n_clusters, row-major. A cluster that no row belongs to has none.
template <class T>
void target_distribution(const T* q, index_t n_rows, index_t n_clusters, T* p);

}  // namespace aecore
