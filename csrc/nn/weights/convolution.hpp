// A convolution and its transpose as products of patches (Patches in kernels/calls.hpp): which runs
// of columns meet which rows of B, and B itself, made of W again whenever W changes.
//
// Both directions are the same product. On the way to the code, a position takes the runs of its
// window from the image, one for each row of the kernel. On the way to the image, a position takes
// the code positions whose windows it lies in. Where a position has fewer channels than a vector
// has lanes, neighbours share one: their B holds W shifted for each of them, and zeros.
#pragma once

#include <vector>

#include "nn/weights/panels.hpp"

namespace aecore {

/// One direction of a convolution: its groups and runs, and where each number of B lies in the
/// panels of W.
class PatchPlan {
 public:
  PatchPlan() = default;
  /// For panels of `width` columns, two vectors.
  PatchPlan(const Convolution& convolution, bool to_image, index_t width);

  const Patches& patches() const { return patches_; }
  index_t b_rows() const { return b_rows_; }
  /// By element of B: the place in the panels of W, or -1 for zero. Empty: B is W.
  const std::vector<std::int32_t>& places() const { return places_; }

 private:
  struct Block {  // rows of B: kernel row u, and the shift e of the window against the group
    index_t u, e, b_row;
  };
  void add_group(index_t y, index_t x, index_t n);
  void add_runs(index_t u, index_t source_y, index_t x, index_t n);
  index_t b_row_of(index_t u, index_t e);
  void place_weights();

  Convolution convolution_;
  bool to_image_ = false;
  index_t width_ = 0;
  ImageShape source_, target_;
  index_t together_ = 1;  // positions of a group
  std::vector<PatchGroup> groups_;
  std::vector<PatchRun> runs_;
  std::vector<Block> blocks_;
  std::vector<std::int32_t> places_;
  index_t b_rows_ = 0;
  Patches patches_{};
};

/// Both directions of one layer, with their B, and the bias of every position.
template <class T>
class ConvolvedWeights {
 public:
  /// `with_way_back`: gradients go through the layer.
  ConvolvedWeights(const Layer& layer, bool with_way_back);
  ConvolvedWeights(const ConvolvedWeights&) = delete;  // its parts point at each other

  /// After a change of the layer's `weights` and `bias`, in panels.
  void follow(const T* weights, const T* bias);

  PanelOperand<T> forward() const { return operand(forward_); }
  PanelOperand<T> way_back() const { return operand(way_back_); }
  const T* bias() const { return bias_.data(); }

 private:
  struct Direction {
    PatchPlan plan;
    AlignedBuffer<T> b;
  };
  void follow(Direction& direction, const T* weights);
  PanelOperand<T> operand(const Direction& direction) const;

  const Layer layer_;
  Direction forward_, way_back_;
  AlignedBuffer<T> bias_;       // n_out
  const T* weights_ = nullptr;  // that were followed
};

/// Rows [row_begin, row_end) and columns [column, column + n_columns), of one panel, of a weight
/// gradient: the sum over all windows of their patch of the image, transposed, times their position
/// of the code.
template <class T>
struct ConvolutionGradient {
  const Convolution& convolution;
  MatrixPanels<const T> image, code;
  index_t n_rows;  // of both
  index_t row_begin, row_end, column, n_columns;
  T* c;  // panel of row_begin
  bool accumulate;
  T* scratch;  // scratch_size(...) numbers

  /// Rows of W that a task should take from `row` on, up to `limit`: what one row of the kernel
  /// has.
  static index_t rows_from(const Convolution& convolution, index_t row, index_t limit);
  static index_t scratch_size(index_t rows_of_w, index_t n_rows);
  void run() const;

 private:
  bool packs_image() const;
  void add_window(index_t p, index_t q) const;
  MatrixPanels<const T> code_of(index_t position) const;
  /// function(image column or -1, W row, n) for the runs of a window that lie in the rows asked.
  template <class Function>
  void for_runs(index_t p, index_t q, Function function) const;
};

}  // namespace aecore
