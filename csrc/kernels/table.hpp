// The only door to the kernels: a struct of function pointers, one instance per instruction set and
// scalar type. Plain data only, so that the files compiled for a newer processor leave no symbol
// that the linker could hand to everybody.
#pragma once

#include "kernels/calls.hpp"

namespace aecore {

/// Room for one row of a panel, whichever instruction set.
inline constexpr index_t kMaxPanelWidth = 32;

template <class T>
struct Kernels {
  index_t panel_width;  // at most kMaxPanelWidth
  void (*gemm)(const GemmCall<T>&);
  /// Columns [column, column + n) of panels to columns [to_column, ...) of others, row by row;
  /// zeros where `from` is null.
  void (*copy_columns)(const T* from, index_t from_stride, index_t column, index_t n, index_t rows,
                       T* to, index_t to_stride, index_t to_column);
  /// C = A B with a sparse A (all rows of C), without an epilogue. `part`: scratch, panel_width
  /// numbers for each row. The bits are those of the same A in panels.
  void (*sparse_gemm)(const GemmCall<T>&, const SparseColumns<T>& a, T* part);
  /// C = (or +=) A^T B with a sparse A, like gemm with an A that is transposed.
  void (*sparse_gradient)(const GemmCall<T>&, const SparseColumns<T>& a);
  void (*sampled_gemm)(const SampledCall<T>&);
  /// C = (or +=) A^T B with A in panels and a sparse B; C in panels, row_begin at a panel's edge.
  void (*sampled_gradient)(const GemmCall<T>&, const SparseColumns<T>& b);
  /// out[0..) = (or +=) the sums of columns [column_begin, column_end).
  void (*sparse_column_sums)(const SparseColumns<T>& a, index_t column_begin, index_t column_end,
                             bool accumulate, T* out);
  /// Runs the call's epilogue over a C that is computed already.
  void (*finish)(const GemmCall<T>&);
  /// out[0..n) = x W for one row, W (k x n) row-major; out has room for whole panels.
  void (*row_times_matrix)(const T* x, index_t k, const T* w, index_t n, T* out);
  /// The same over the nonzero elements of x, for W whose element (r, c) lies at
  /// w[(c / width) * stride + r * row + c % width]: panels, or row by row.
  void (*sparse_row_times_matrix)(const SparseRow<T>& x, const T* w, index_t row, index_t stride,
                                  index_t n, T* out);
  /// The indices of the nonzero elements of x (n), and their number.
  index_t (*find_nonzero)(const T* x, index_t n, std::int32_t* out);
  void (*find_nonzero_columns)(const NonzeroCall<T>&);
  void (*row_update)(const RowUpdate<T>&);
  /// Panels [panel_begin, panel_end) of B = W (k x n row-major) or of W^T, to `panels` on.
  void (*pack)(const T* w, index_t k, index_t n, index_t panel_begin, index_t panel_end, T* panels);
  void (*pack_transposed)(const T* w, index_t k, index_t n, index_t panel_begin, index_t panel_end,
                          T* panels);
  /// Row-major out (rows x columns, leading dimension ld) from panels.
  void (*unpack)(const T* panels, index_t stride, index_t rows, index_t columns, T* out,
                 index_t ld);
  unsigned (*gather)(const GatherCall<T>&);
  /// Returns kGatherNotFinite where a row holds infinity, or NaN without mask_missing.
  unsigned (*enter)(const EnterCall<T>&);
  /// Missing numbers (NaN) of a target become 0, and so do their weights in the loss.
  unsigned (*leave_out_missing)(T* panels, index_t stride, T* weight, index_t weight_stride,
                                index_t rows, index_t columns);
  Epilogue<T> bias_activation;
  Prologue<T> fetch_target;  // of an OutputLoss
  Epilogue<T> output_loss;
  Epilogue<T> activation_backward;
  void (*dropout)(const DropoutCall<T>&);
  void (*draw_code)(const GaussianCall<T>&);
  Epilogue<T> gaussian_backward;
  void (*soft_assignment)(const ClusterCall<T>&);
  void (*clustering_loss)(const ClusterCall<T>&);
  /// Rows z in panels (n columns) become softmax(z).
  void (*softmax)(T* z, index_t stride, index_t rows, index_t n);
  /// What output_loss does, for softmax and its loss, from z: a row at a time, all panels. `z`
  /// begins with `row` of C.
  void (*multinomial_loss)(const OutputLoss<T>& context, T* z, index_t stride, index_t row,
                           index_t rows);
  /// out[0..columns rounded up to panels) = (or +=) sum over rows of row_weight_i x_ij (weight 1 if
  /// null).
  void (*column_sums)(const T* panels, index_t stride, index_t rows, index_t columns,
                      const T* row_weight, bool accumulate, T* out);
  double (*sum_of_squares)(const T* x, index_t n);
  Prologue<T> fetch_weights;  // of a WeightUpdate
  Epilogue<T> write_gradient;
  Epilogue<T> hold_gradient;
  Epilogue<T> sgd;
  Epilogue<T> momentum;
  Epilogue<T> rmsprop;
  Epilogue<T> adam;
  void (*exp)(const T* x, T* y, index_t n);
  void (*log)(const T* x, T* y, index_t n);    // x positive, normal
  void (*log1p)(const T* x, T* y, index_t n);  // x in [0, 1]
  void (*sigmoid)(const T* x, T* y, index_t n);
  void (*tanh)(const T* x, T* y, index_t n);
  void (*expm1)(const T* x, T* y, index_t n);  // x <= 0
  void (*softplus)(const T* x, T* y, index_t n);
  void (*normal_cdf)(const T* x, T* y, index_t n);
  /// n rounds of independent multiply-adds; returns their number of floating point operations.
  double (*multiply_add_rounds)(index_t n);
};

/// Both scalar types of one instruction set.
struct KernelTable {
  const char* name;
  Kernels<float> f32;
  Kernels<double> f64;
};

}  // namespace aecore
