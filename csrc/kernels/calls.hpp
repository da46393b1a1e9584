// What the kernels are called with: plain data, by pointers and sizes.
//
// Panel layout. Every batch matrix (activations, gradients, gathered rows) and every packed weight
// matrix is cut into panels of `panel_width` columns: element (r, c) of a matrix lies at
//     data[(c / width) * stride + r * width + c % width].
// A panel of B streams through the register tile; a tile of C is one contiguous run of memory, so
// an epilogue is a flat loop over it; and no leading dimension can alias in the cache.
// The columns between the matrix width and the end of its last panel hold finite junk or zeros and
// are never read as data.
#pragma once

#include <cstdint>

#include "core/types.hpp"

namespace aecore {

enum class Activation : std::uint8_t {
  identity,
  sigmoid,
  tanh,
  relu,
  leaky_relu,
  elu,
  softplus,
  silu,
  gelu,
  softmax  // of whole rows, by `softmax` and `multinomial_loss`: epilogues leave it z
};
enum class Loss : std::uint8_t {
  squared_error,
  binary_cross_entropy,
  absolute_error,
  huber,
  poisson,
  multinomial
};

/// Slope of leaky_relu below 0 (Maas, Hannun & Ng, ICML 2013 workshop).
inline constexpr double kLeakySlope = 0.01;

/// The derivative of these is no function of a: it is kept on the way forward.
constexpr bool slope_needs_z(Activation a) {
  return a == Activation::silu || a == Activation::gelu;
}

/// Noise on the input of a training batch.
enum class Noise : std::uint8_t { none, masking, gaussian, salt_and_pepper, uniform };

/// Types of user arrays that the gather reads.
enum class Element : std::uint8_t {
  float32,
  float64,
  float16,
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  uint64,
  int64,
  boolean
};

/// The sum over k is taken in blocks of this many terms, each accumulated from zero and added in
/// order, whatever the path: so a row has the same bits alone and in a batch. 256 x 32 floats of B
/// are 32 KB, which stays in a 48 KB first-level cache.
inline constexpr index_t kSumBlock = 256;

/// Log variances of a Gaussian code are cut to plus and minus this: exp stays finite in float32.
inline constexpr double kLogVarianceLimit = 20;

/// Outputs leave binary_cross_entropy's formula finite when they are not computed from logits.
inline constexpr double kProbabilityClip = 1e-7;

/// Runs over one finished tile of C while it is in the first-level cache: `rows` x panel_width
/// contiguous elements whose first is (row, column); `columns` of each row are real.
template <class T>
using Epilogue = void (*)(const void* context, T* tile, index_t row, index_t rows, index_t column,
                          index_t columns);

/// Called before a tile is computed, to fetch what its epilogue will touch.
template <class T>
using Prologue = void (*)(const void* context, index_t row, index_t rows, index_t column);

/// Rows that will be read next. They are fetched into the second-level cache, at most a line in
/// each term of a tile's sum, under the arithmetic of the rows at hand: shuffled rows come from far
/// away.
struct RowFetch {
  const char* data;  // of row 0
  index_t row_stride, row_bytes;
  const index_t* rows;  // as in GatherCall
  index_t first_row, n_rows;
  index_t done_rows, done_bytes;  // where the last tile stopped
};

/// Columns [column, column + terms) of A, in one panel, and the rows of B from b_row on that they
/// are multiplied by.
struct PatchRun {
  std::int32_t column, b_row, terms;
};

/// Columns [column, column + n_columns) of C are the first n_columns of the sum of some runs.
struct PatchGroup {
  std::int32_t column, n_columns, first_run, end_run;
};

/// A product in which groups of C's columns are made of some of A's columns only, and share B: what
/// a convolution is. Groups come in the order of their columns and leave none out.
struct Patches {
  const PatchGroup* groups;
  index_t n_groups;
  const PatchRun* runs;
};

/// C[row_begin..row_end, column_begin..column_end) = (or +=) A B. Each matrix lies in panels or, as
/// the same formula covers both, row by row in place:
///     element (r, c) = data[(c / width) * stride + r * row + c % width]
/// with row = width in panels, and stride = width in place. B and C in place have whole vectors in
/// each row; an epilogue wants C in panels.
template <class T>
struct GemmCall {
  const T* a;
  index_t a_row, a_stride;
  bool a_transposed;  // false: A(i, k) is its row i, column k; true: row k, column i
  const T* b;         // k rows
  index_t b_row, b_stride;
  T* c;
  index_t c_row, c_stride;  // with stride 0 one panel serves them all in turn
  index_t c_first_row;      // row that lies at c
  index_t row_begin, row_end;
  index_t column_begin, column_end;  // column_begin at a panel's edge
  index_t k;
  bool accumulate;       // add to C instead of replacing it
  Prologue<T> prologue;  // may be null
  Epilogue<T> epilogue;  // may be null
  const void* context;
  RowFetch* ahead;  // rows to fetch meanwhile, or null
  /// If there, C is made of patches: columns from 0 on, A and C in panels, no accumulate, one sum.
  const Patches* patches;
  /// Which numbers of A are not 0, if that is known: bit c % width of word r of panel c / width.
  /// Their products alone are made, where that is worth it: B in panels, no patches.
  const std::uint32_t* nonzero;
  index_t nonzero_stride;  // words of a panel
};

/// Which numbers of some rows are not 0, for GemmCall::nonzero.
template <class T>
struct NonzeroCall {
  const T* x;  // of row 0, in panels or in place
  index_t x_row, x_stride;
  index_t n_rows, n_columns;
  std::uint32_t* words;  // of row 0
  index_t words_stride;  // of a panel
};

/// Sparse rows, transposed: the entries of column c are begin[c] to begin[c + 1], rows ascending.
template <class T>
struct SparseColumns {
  const index_t* begin;  // n_columns + 1
  const std::int32_t* row;
  const T* value;
  const index_t* block_begin;     // of the rows that have entries among kSumBlock columns each,
  const std::int32_t* block_row;  // which are block_begin[i] to block_begin[i + 1] in the i-th
};

/// out = A W at the entries of some columns alone; out is by entry, as `entries` has them.
template <class T>
struct SampledCall {
  const T* a;  // panels, k columns
  index_t a_stride;
  const T* transposed;  // panels of W^T
  index_t transposed_stride;
  index_t k;
  SparseColumns<T> entries;  // their values are not read
  T* out;
  index_t column_begin, column_end;
};

/// Sparse rows of a target, columns ascending; entries that are not there are 0.
template <class T>
struct SparseTarget {
  const index_t *begin, *end;  // of each row's entries
  const std::int32_t* column;
  const T* value;
  index_t* next;       // by row: the entry that the tiles, which come panel by panel, have reached
  bool observed_only;  // what is not there does not count in the loss
};

template <class T>
struct BiasActivation {  // context of `bias_activation`: tile = activation(tile + bias)
  const T* bias;         // n
  Activation activation;
  /// Set where a sum is not finite; may be null. An input that is not finite makes every sum of its
  /// row so (0 * inf is NaN): rows read in place are checked by their first column of sums.
  bool* not_finite;
  T* slope = nullptr;  // panels, rows as in C: gets activation'(z), where it is wanted
  index_t slope_stride = 0;
};

template <class T>
struct OutputLoss {  // context of `output_loss`: tile becomes weight_i dloss/dz
  BiasActivation<T> output;
  Loss loss;
  const T* target;  // panels or in place, rows as in C
  index_t target_row, target_stride;
  const SparseTarget<T>* sparse;  // instead of `target`, or null
  const T* feature_weight;        // panels of each feature's weight in the loss, or null
  index_t feature_weight_stride;
  index_t n_columns;    // of C
  const T* row_weight;  // by row of C
  double* row_loss;     // by row of C; added to with the last panel
  T* partial;           // scratch: panel_width numbers for each row from partial_row on
  index_t partial_row;
};

template <class T>
struct ActivationBackward {  // tile = (tile + weight_i (penalty_j + activity sign(h))) slope + by_z
  Activation activation;
  bool is_slope;         // `activations` holds slopes; otherwise a, and the slope is activation'(a)
  const T* activations;  // panels, rows as in C
  index_t activations_stride;
  const T* penalty;  // n, or null
  const T* row_weight;
  const T* h;  // panels: the layer's output, where there is a penalty on its size; or null
  index_t h_stride;
  T activity;
  const T* by_z;  // panels, or null
  index_t by_z_stride;
};

/// Multiplies h and its slope by 0 or `scale`. Unit j of a row is dropped where its word is below
/// `dropped_below`; words are drawn as in EnterCall.
template <class T>
struct DropoutCall {
  T* h;  // panels, of destination row 0
  index_t stride;
  T* slope;
  index_t slope_stride;
  const index_t* rows;  // source rows, as in GatherCall
  index_t first_row;
  index_t n_rows, n_columns;
  std::uint64_t dropped_below;  // in [1, 2^32]: ceil(probability 2^32)
  T scale;
  std::uint64_t seed;
  std::uint32_t epoch;
  std::uint32_t purpose;  // and the layer, from bit 8 on
};

/// Rows of a Gaussian code: z = mean + deviation epsilon, and their divergence from N(0, I). Normal
/// numbers from words that are drawn as in EnterCall, as those of Noise::gaussian are.
template <class T>
struct GaussianCall {
  T* z;  // panels, of destination row 0: the mean, which z replaces
  index_t z_stride;
  T* log_variance;     // panels like the next two: dz/dlog_variance replaces it, if they are there
  T* by_mean;          // gets the derivative of the weighted divergence by the mean; or null
  T* by_log_variance;  // and that by the log variance
  index_t stride;
  double* divergence;   // by row: gets the sum over its columns, each at least free_bits
  const T* row_weight;  // by row
  T beta, free_bits;
  const index_t* rows;  // source rows, as in GatherCall
  index_t first_row;
  index_t n_rows, n_columns;
  std::uint64_t seed;
  std::uint32_t epoch;
  std::uint32_t purpose;  // and the layer, from bit 8 on
};

template <class T>
struct GaussianBackward {  // what a GaussianCall left, panels, rows as in C
  const T* slope;          // dz/dlog_variance
  const T* by_mean;
  T* by_log_variance;
  index_t stride;
};

/// Rows of a code beside the centres of clusters, with q_ij in proportion to 1/(1 + |z_i -
/// mu_j|^2).
template <class T>
struct ClusterCall {
  const T* z;  // panels
  index_t z_stride, n_code;
  const T* centers;  // panels of B: a column is a centre
  index_t centers_stride, n_clusters;
  T* q;  // panels: gets q, or delta
  index_t q_stride;
  index_t n_rows;
  // The loss weight_i KL(p_i || q_i), whose derivative by |z_i - mu_j|^2 is -delta_ij / 2:
  // dJ/dz_i = sum_j delta_ij (mu_j - z_i), dJ/dmu_j = sum_i delta_ij (z_i - mu_j).
  const T* p;  // panels
  index_t p_stride;
  T* by_code;  // panels: gets -z_i sum_j delta_ij; or null
  index_t by_code_stride;
  const T* row_weight;  // by row; times `weight`
  T weight;
  double* divergence;  // by row: gets KL(p_i || q_i)
};

/// What a gather found in the rows it read, after conversion and scaling.
enum GatherFlags : unsigned { kGatherNotFinite = 1u, kGatherOutsideUnit = 2u };

template <class T>
struct GatherCall {
  const char* data;  // of row 0, column 0
  Element element;
  bool swapped;                       // foreign byte order
  index_t row_stride, column_stride;  // bytes, any sign
  const index_t* rows;  // source row of each destination row; null: first_row, first_row + 1, ...
  index_t first_row;
  index_t n_rows, n_columns;
  T scale;
  const double* offset;  // by column: (x - offset) * factor in double instead of scale x; or null
  const double* factor;
  double low, high;  // limits of what was scaled by column
  T* panels;         // of destination row 0
  index_t stride;
};

/// Gathered rows on their way into the first layer: with `log1p` sign(x) log(1 + |x|), then noise,
/// then missing numbers (NaN) as 0 and the others of their row times n_columns / n_observed. A
/// number drawn depends on (seed, epoch, source row, column) alone: Philox4x32-10 with the counter
///     (column >> 2, row mod 2^32, epoch, purpose | (row >> 32) << 20), word column & 3.
template <class T>
struct EnterCall {
  const T* clean;  // panels, of destination row 0, like those below
  index_t clean_stride;
  T* entering;  // may be `clean`
  index_t entering_stride;
  T* weight;  // in the loss: emphasis where the input is corrupted, else 1; or null
  index_t weight_stride;
  const index_t* rows;  // source rows, as in GatherCall
  index_t first_row;
  index_t n_rows, n_columns;
  bool mask_missing, log1p;
  Noise noise;
  T level, emphasis;
  std::uint64_t drawn_below;   // an element is drawn where its word is below: ceil(level 2^32) > 0
  std::uint64_t pepper_below;  // and becomes 0 where it is below this one: ceil(level 2^31)
  std::uint64_t seed;
  std::uint32_t epoch, purpose;
};

/// What becomes of a tile of weight gradients: the context of `write_gradient`, `hold_gradient` and
/// the optimisers. Weights, moments and gradient tile share the panel layout of W.
template <class T>
struct WeightUpdate {
  T* weights;        // panels of W (n_rows x ...)
  T* first_moment;   // momentum, adam
  T* second_moment;  // rmsprop, adam
  index_t stride;
  index_t n_rows, n_columns;
  T* transposed;  // panels of W^T, kept in step with W; or null
  index_t transposed_stride;
  T* out;                   // write_gradient: row-major, n_columns wide
  double* sizes = nullptr;  // added to like `squares`: sum of the weights' magnitudes; or null
  double* squares;   // added to: sum of squares of the weights before the update (hold_gradient: of
                     // the gradients); or null
  T gradient_scale;  // an optimiser's first factor on the tile
  T weight_decay;    // then its multiple of W is added: the decay term of J
  T weight_l1 = 0;   // and that of sign(W)
  T learning_rate;   // adam: already corrected for bias
  T keep;            // adam: factor on W, 1 or the decoupled decay's
  T beta_1, fresh_1;                 // first moment = beta_1 itself + fresh_1 gradient
  T beta_2, fresh_2;                 // second moment = beta_2 itself + fresh_2 gradient^2
  T gradient_share, momentum_share;  // momentum: step = their sum over gradient and first moment
  T epsilon;                         // adam: scaled like the second moment
};

/// A row of which only the nonzero elements count: x[nonzero[0]], x[nonzero[1]], ...
template <class T>
struct SparseRow {
  const T* x;
  const std::int32_t* nonzero;
  index_t n_nonzero;
};

/// What `find_nonzero` may write past the last index.
inline constexpr index_t kNonzeroRoom = 16;

/// Zeros are skipped where fewer than one element in so many is not zero.
inline constexpr index_t kSkipZerosFrom = 3;

/// Gradient descent by one row: W = keep W + rate x^T delta, x_delta = W delta^T of the old W.
template <class T>
struct RowUpdate {
  T* weights;  // panels of W
  index_t stride;
  index_t n_rows, n_columns;
  const T* x;                   // n_rows: the input
  const std::int32_t* nonzero;  // its nonzero elements, where keep is 1 and x_delta not wanted, or
  index_t n_nonzero;            // null
  const T* delta;               // n_columns, padded to panels
  T* x_delta;                   // n_rows, or null
  T rate;                       // minus the learning rate
  T keep;                       // 1 - learning rate * weight decay
  double* squares;              // sum of squares of the old W, added to; null without decay
};

}  // namespace aecore
