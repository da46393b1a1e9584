#include "nn/weights/convolution.hpp"

#include <algorithm>

namespace aecore {

namespace {

/// Shorter runs of the image are copied together: a tile of fewer rows would wait for itself.
constexpr index_t kShortRun = 8;

index_t floor_div(index_t a, index_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

std::int32_t narrow(index_t value) { return static_cast<std::int32_t>(value); }

}  // namespace

PatchPlan::PatchPlan(const Convolution& convolution, bool to_image, index_t width)
    : convolution_(convolution),
      to_image_(to_image),
      width_(width),
      source_(to_image ? convolution.code : convolution.image),
      target_(to_image ? convolution.image : convolution.code),
      together_(std::clamp(width / 2 / target_.channels, index_t{1}, target_.width)) {
  for (index_t y = 0; y < target_.height; ++y) {
    for (index_t x = 0; x < target_.width; x += together_) {
      add_group(y, x, std::min(together_, target_.width - x));
    }
  }
  if (to_image || together_ > 1) {
    place_weights();
  } else {
    b_rows_ = convolution.taps() * source_.channels;
  }
  patches_ = {groups_.data(), static_cast<index_t>(groups_.size()), runs_.data()};
}

/// Positions x to x + n of target row y.
void PatchPlan::add_group(index_t y, index_t x, index_t n) {
  const index_t stride = convolution_.stride[0], padding = convolution_.padding[0];
  PatchGroup group{narrow((y * target_.width + x) * target_.channels), narrow(n * target_.channels),
                   narrow(static_cast<index_t>(runs_.size())), 0};
  for (index_t u = 0; u < convolution_.kernel[0]; ++u) {
    index_t source_y = y * stride + u - padding;
    if (to_image_) {
      if (floor_div(y + padding - u, stride) * stride != y + padding - u) continue;
      source_y = floor_div(y + padding - u, stride);
    }
    if (source_y >= 0 && source_y < source_.height) add_runs(u, source_y, x, n);
  }
  group.end_run = narrow(static_cast<index_t>(runs_.size()));
  groups_.push_back(group);
}

/// The columns of source row `source_y` that positions x to x + n see through kernel row u.
void PatchPlan::add_runs(index_t u, index_t source_y, index_t x, index_t n) {
  const index_t kernel = convolution_.kernel[1], stride = convolution_.stride[1];
  const index_t padding = convolution_.padding[1];
  index_t begin = x * stride - padding;  // of the source columns
  index_t end = (x + n - 1) * stride - padding + kernel;
  if (to_image_) {
    begin = -floor_div(-(x + padding - kernel + 1), stride);
    end = floor_div(x + n - 1 + padding, stride) + 1;
  }
  const index_t first = begin;
  begin = std::max(begin, index_t{0});
  end = std::min(end, source_.width);
  if (begin >= end) return;
  const index_t shift = to_image_ ? x + padding - begin * stride : begin - first;
  index_t b_row =
      to_image_ || together_ > 1 ? b_row_of(u, shift) : (u * kernel + shift) * source_.channels;
  index_t column = (source_y * source_.width + begin) * source_.channels;
  const index_t last = column + (end - begin) * source_.channels;
  while (column < last) {
    const index_t terms = std::min(last, (column / width_ + 1) * width_) - column;
    runs_.push_back({narrow(column), narrow(b_row), narrow(terms)});
    column += terms;
    b_row += terms;
  }
}

/// The first row of B for source columns that lie `e` against the group's first position: behind it
/// follow those of the next source columns.
index_t PatchPlan::b_row_of(index_t u, index_t e) {
  const auto find = [&] {
    return std::find_if(blocks_.begin(), blocks_.end(),
                        [&](const Block& block) { return block.u == u && block.e == e; });
  };
  if (const auto found = find(); found != blocks_.end()) return found->b_row;
  const index_t kernel = convolution_.kernel[1], stride = convolution_.stride[1];
  const auto add = [&](index_t each) {
    blocks_.push_back({u, each, b_rows_});
    b_rows_ += source_.channels;
  };
  if (to_image_) {  // the next column of the code lies a stride to the left against the image
    index_t last = e;
    while (last + stride < kernel) last += stride;
    for (; last > -together_; last -= stride) add(last);
  } else {
    for (index_t d = 0; d < (together_ - 1) * stride + kernel; ++d) add(d);
  }
  return find()->b_row;
}

void PatchPlan::place_weights() {
  const index_t kernel = convolution_.kernel[1], stride = convolution_.stride[1];
  const index_t image_channels = convolution_.image.channels;
  const index_t w_stride = convolution_.taps() * image_channels * width_;
  const index_t n_panels = ceil_div(together_ * target_.channels, width_);
  places_.assign(static_cast<std::size_t>(n_panels * b_rows_ * width_), -1);
  for (const Block& block : blocks_) {
    for (index_t j = 0; j < together_; ++j) {
      const index_t v = to_image_ ? block.e + j : block.e - j * stride;
      if (v < 0 || v >= kernel) continue;
      for (index_t from = 0; from < source_.channels; ++from) {
        for (index_t to = 0; to < target_.channels; ++to) {
          const index_t of_image = to_image_ ? to : from, of_code = to_image_ ? from : to;
          const index_t w_row = (block.u * kernel + v) * image_channels + of_image;
          const index_t lane = j * target_.channels + to;
          const index_t at =
              (lane / width_ * b_rows_ + block.b_row + from) * width_ + lane % width_;
          places_[static_cast<std::size_t>(at)] =
              narrow(of_code / width_ * w_stride + w_row * width_ + of_code % width_);
        }
      }
    }
  }
}

template <class T>
ConvolvedWeights<T>::ConvolvedWeights(const Layer& layer, bool with_way_back)
    : layer_(layer), bias_(round_up(layer.n_out, kernels<T>().panel_width)) {
  const index_t width = kernels<T>().panel_width;
  const bool transposed = layer.convolution.transposed;
  forward_.plan = PatchPlan(layer.convolution, transposed, width);
  if (with_way_back) way_back_.plan = PatchPlan(layer.convolution, !transposed, width);
  for (Direction* const direction : {&forward_, &way_back_}) {
    direction->b = AlignedBuffer<T>(static_cast<index_t>(direction->plan.places().size()));
  }
}

template <class T>
void ConvolvedWeights<T>::follow(const T* weights, const T* bias) {
  weights_ = weights;
  follow(forward_, weights);
  follow(way_back_, weights);
  for (index_t i = 0; i < layer_.n_out; i += layer_.n_bias()) {
    std::copy(bias, bias + layer_.n_bias(), bias_.data() + i);
  }
}

template <class T>
void ConvolvedWeights<T>::follow(Direction& direction, const T* weights) {
  const std::vector<std::int32_t>& places = direction.plan.places();
  T* const b = direction.b.data();
  for (std::size_t i = 0; i < places.size(); ++i) {
    b[i] = places[i] >= 0 ? weights[places[i]] : T{0};
  }
}

template <class T>
PanelOperand<T> ConvolvedWeights<T>::operand(const Direction& direction) const {
  const bool own = direction.plan.places().empty();
  return {own ? weights_ : direction.b.data(), direction.plan.b_rows() * kernels<T>().panel_width,
          &direction.plan.patches()};
}

template <class T>
index_t ConvolutionGradient<T>::rows_from(const Convolution& convolution, index_t row,
                                          index_t limit) {
  const index_t run = convolution.kernel[1] * convolution.image.channels;
  const index_t all = convolution.kernel[0] * run;
  if (run < kShortRun) return std::min(limit, all - row);
  return std::min(limit, (row / run + 1) * run - row);
}

template <class T>
index_t ConvolutionGradient<T>::scratch_size(index_t rows_of_w, index_t n_rows) {
  const index_t width = kernels<T>().panel_width;
  return (ceil_div(rows_of_w, width) + 1) * (n_rows | 1) * width;
}

template <class T>
void ConvolutionGradient<T>::run() const {
  if (!accumulate) std::fill(c, c + (row_end - row_begin) * kernels<T>().panel_width, T{0});
  for (index_t p = 0; p < convolution.code.height; ++p) {
    for (index_t q = 0; q < convolution.code.width; ++q) add_window(p, q);
  }
}

template <class T>
bool ConvolutionGradient<T>::packs_image() const {
  return convolution.kernel[1] * convolution.image.channels < kShortRun;
}

template <class T>
template <class Function>
void ConvolutionGradient<T>::for_runs(index_t p, index_t q, Function function) const {
  const Convolution& c_ = convolution;
  const index_t channels = c_.image.channels, run = c_.kernel[1] * channels;
  const index_t left = q * c_.stride[1] - c_.padding[1];
  for (index_t u = row_begin / run; u < ceil_div(row_end, run); ++u) {
    const index_t y = p * c_.stride[0] + u - c_.padding[0];
    const index_t begin = std::max(row_begin, u * run), end = std::min(row_end, (u + 1) * run);
    const index_t outside = y < 0 || y >= c_.image.height ? end : index_t{-1};
    // Rows of W whose image column exists.
    const index_t from = std::clamp(u * run - left * channels, begin, end);
    const index_t to = std::clamp(u * run + (c_.image.width - left) * channels, from, end);
    if (outside == end || from == to) {
      function(-1, begin, end - begin);
      continue;
    }
    if (begin < from) function(-1, begin, from - begin);
    function((y * c_.image.width + left) * channels + from - u * run, from, to - from);
    if (to < end) function(-1, to, end - to);
  }
}

/// The code's columns at a position, with a vector's or a panel's begin.
template <class T>
MatrixPanels<const T> ConvolutionGradient<T>::code_of(index_t position) const {
  const Kernels<T>& k = kernels<T>();
  const index_t width = k.panel_width, lanes = width / 2;
  const index_t at = position * convolution.code.channels + column;
  const bool in_place =
      at % lanes == 0 && at % width + (n_columns <= lanes ? lanes : width) <= width;
  if (in_place) return {code.data + at / width * code.stride + at % width, width, code.stride};
  k.copy_columns(code.data, code.stride, at, n_columns, n_rows, scratch, 0, 0);
  return {scratch, width, 0};
}

template <class T>
void ConvolutionGradient<T>::add_window(index_t p, index_t q) const {
  const Kernels<T>& k = kernels<T>();
  const MatrixPanels<const T> b = code_of(p * convolution.code.width + q);
  GemmCall<T> call = panel_product(image, PanelOperand<T>{b.data, b.stride},
                                   MatrixPanels<T>{c, k.panel_width, 0}, n_rows, n_columns);
  call.a_transposed = call.accumulate = true;
  if (packs_image()) {
    T* const patch = scratch + (n_rows | 1) * k.panel_width;
    const index_t stride = (n_rows | 1) * k.panel_width;
    for_runs(p, q, [&](index_t from, index_t row, index_t n) {
      k.copy_columns(from < 0 ? nullptr : image.data, image.stride, from, n, n_rows, patch, stride,
                     row - row_begin);
    });
    call.a = patch;
    call.a_stride = stride;
    call.row_end = row_end - row_begin;
    k.gemm(call);
    return;
  }
  for_runs(p, q, [&](index_t from, index_t row, index_t n) {
    if (from < 0) return;
    call.row_begin = from;
    call.row_end = from + n;
    call.c_first_row = from - (row - row_begin);
    k.gemm(call);
  });
}

template class ConvolvedWeights<float>;
template class ConvolvedWeights<double>;
template struct ConvolutionGradient<float>;
template struct ConvolutionGradient<double>;

}  // namespace aecore
