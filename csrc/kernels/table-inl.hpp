// All bodies, and the table that names them. Included inside the unnamed namespace of one
// instruction set's file, after its vector width, madd and partial loads.

template <class T>
constexpr Kernels<T> make_kernels() {
  Kernels<T> k{};
  static_assert(kWidth<T> <= kMaxPanelWidth);
  k.panel_width = kWidth<T>;
  k.gemm = &gemm<T>;
  k.copy_columns = &copy_columns<T>;
  k.sparse_gemm = &sparse_gemm<T>;
  k.sparse_gradient = &sparse_gradient<T>;
  k.sampled_gemm = &sampled_gemm<T>;
  k.sampled_gradient = &sampled_gradient<T>;
  k.sparse_column_sums = &sparse_column_sums<T>;
  k.finish = &finish<T>;
  k.row_times_matrix = &row_times_matrix<T>;
  k.sparse_row_times_matrix = &sparse_row_times_matrix<T>;
  k.find_nonzero = &find_nonzero<T>;
  k.find_nonzero_columns = &find_nonzero_columns<T>;
  k.row_update = &row_update<T>;
  k.pack = &pack<T>;
  k.pack_transposed = &pack_transposed<T>;
  k.unpack = &unpack<T>;
  k.gather = &gather<T>;
  k.enter = &enter<T>;
  k.leave_out_missing = &leave_out_missing<T>;
  k.bias_activation = &bias_activation<T>;
  k.fetch_target = &fetch_target<T>;
  k.output_loss = &output_loss<T>;
  k.activation_backward = &activation_backward<T>;
  k.dropout = &dropout<T>;
  k.draw_code = &draw_code<T>;
  k.gaussian_backward = &gaussian_backward<T>;
  k.soft_assignment = &soft_assignment<T>;
  k.clustering_loss = &clustering_loss<T>;
  k.softmax = &softmax<T>;
  k.multinomial_loss = &multinomial_loss<T>;
  k.column_sums = &column_sums<T>;
  k.sum_of_squares = &sum_of_squares<T>;
  k.fetch_weights = &fetch_weights<T>;
  k.write_gradient = &write_gradient<T>;
  k.hold_gradient = &hold_gradient<T>;
  k.sgd = &sgd<T>;
  k.momentum = &momentum<T>;
  k.rmsprop = &rmsprop<T>;
  k.adam = &adam<T>;
  k.exp = &exp_array<T>;
  k.log = &log_array<T>;
  k.log1p = &log1p_array<T>;
  k.sigmoid = &sigmoid_array<T>;
  k.tanh = &tanh_array<T>;
  k.expm1 = &expm1_array<T>;
  k.softplus = &softplus_array<T>;
  k.normal_cdf = &normal_cdf_array<T>;
  k.multiply_add_rounds = &multiply_add_rounds<T>;
  return k;
}
