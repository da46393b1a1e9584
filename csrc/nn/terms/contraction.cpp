#include "nn/terms/contraction.hpp"

#include <algorithm>
#include <array>

namespace aecore {

namespace {

// The matrices of a part of the rows: about what the third-level cache holds.
constexpr double kPartBytes = 8.0 * 1024 * 1024;
// Rows of those matrices that a task takes at a time, about: enough for whole tiles.
constexpr index_t kTaskRows = 64;

template <class T>
const T* panel_of(const MatrixPanels<const T>& matrix, index_t panel) {
  return matrix.data + panel * matrix.stride;
}

template <class T>
PanelOperand<T> operand(const PanelMatrix<T>& matrix) {
  return {matrix.row(0), matrix.stride()};
}

/// A layer's gradient among those of all weights.
template <class T>
MatrixPanels<T> place_of(index_t layer, const PanelWeights<T>& weights, T* gradients) {
  return {gradients + weights.layout().weights(layer), kernels<T>().panel_width,
          weights.layout().stride(layer)};
}

/// The rows and columns of a product that a task makes.
struct Block {
  index_t row_begin, row_end, column_begin, column_end;
};

template <class T>
void multiply(GemmCall<T> product, const Block& block, bool accumulate = false) {
  product.row_begin = block.row_begin;
  product.row_end = block.row_end;
  product.column_begin = block.column_begin;
  product.column_end = block.column_end;
  product.accumulate = accumulate;
  kernels<T>().gemm(product);
}

}  // namespace

template <class T>
Contraction<T>::Contraction(const Network& network, const ObjectiveOptions& options,
                            index_t max_rows, bool with_gradient)
    : network_(network),
      options_(options),
      n_layers_(options.n_contracted()),
      n_code_(network.layer(options.code_layer).n_out),
      with_gradient_(with_gradient),
      first_panels_(ceil_div(network.layer(0).n_out, kernels<T>().panel_width)) {
  double widths = static_cast<double>(network.layer(0).n_out);
  for (index_t l = 0; l < n_layers_; ++l) {
    const index_t n_out = network.layer(l).n_out;
    widths += 2 * static_cast<double>(n_out);
    if (with_gradient) by_z_.emplace_back(max_rows, n_out);
    for (index_t panel = 0; panel < ceil_div(n_out, kernels<T>().panel_width); ++panel) {
      tasks_.push_back({l, panel});
    }
  }
  if (n_layers_ == 1) {
    values_.resize(tasks_.size());
    return;
  }
  const double row_bytes = widths * static_cast<double>(n_code_) * sizeof(T);
  part_rows_ = std::clamp(static_cast<index_t>(kPartBytes / row_bytes), index_t{1}, max_rows);
  values_.resize(static_cast<std::size_t>(part_rows_));
  const index_t stacked = checked_mul(part_rows_, n_code_);
  for (index_t l = 0; l < n_layers_; ++l) {
    b_.emplace_back(stacked, network.layer(l).n_out);
    if (with_gradient || l == 0) g_.emplace_back(stacked, network.layer(l).n_out);
  }
  const index_t n_first = network.layer(0).n_out;
  d_0_ = PanelMatrix<T>(stacked, n_first);
  m_ = PanelMatrix<T>(n_first, n_first);
  if (with_gradient) sum_ = PanelMatrix<T>(n_first, n_first);
}

template <class T>
void Contraction<T>::run(Team& team, const PanelWeights<T>& weights, const Rows& rows,
                         T* gradients) {
  if (rows.chunk.begins_batch()) value_ = 0;
  if (n_layers_ > 1) {
    deep(team, weights, rows, gradients);
    return;
  }
  team.for_each(first_panels_,
                [&](index_t panel, int) { one_layer(weights, rows, panel, gradients); });
  for (const double v : values_) value_ += v;
}

/// A panel of the code: its sums over rows and over W are this task's own.
template <class T>
void Contraction<T>::one_layer(const PanelWeights<T>& weights, const Rows& rows, index_t panel,
                               T* gradients) {
  const auto width = static_cast<std::size_t>(kernels<T>().panel_width);
  const index_t step = kernels<T>().panel_width;
  const index_t n_weights = network_.n_in() * step;
  const T* const w = weights.product(0).data + panel * weights.product(0).stride;
  const T* const slopes = panel_of(rows.hidden.slope(0, rows.chunk), panel);
  const T* const h = panel_of(rows.hidden.h(0, rows.chunk), panel);
  std::array<double, kMaxPanelWidth> norm{}, squares{};  // ||W_j||^2, sum w_i s_ij^2
  const auto add_squares = [width](const T* x, double weight,
                                   std::array<double, kMaxPanelWidth>& to) {
    for (std::size_t j = 0; j < width; ++j) {
      const auto value = static_cast<double>(x[j]);
      to[j] += weight * value * value;
    }
  };
  for (index_t i = 0; i < n_weights; i += step) add_squares(w + i, 1.0, norm);
  for (index_t i = 0; i < rows.chunk.rows; ++i) {
    add_squares(slopes + i * step, static_cast<double>(rows.weight[i]), squares);
  }
  const double gamma = options_.contractive_weight;
  double& value = values_[static_cast<std::size_t>(panel)] = 0;
  for (index_t j = 0; j < std::min(step, n_code_ - panel * step); ++j) {
    value += gamma * squares[static_cast<std::size_t>(j)] * norm[static_cast<std::size_t>(j)];
  }
  if (!with_gradient_) return;
  std::array<T, kMaxPanelWidth> by_slope{}, by_weight{};
  for (std::size_t j = 0; j < width; ++j) {
    by_slope[j] = static_cast<T>(2 * gamma * norm[j]);
    by_weight[j] = static_cast<T>(2 * gamma * squares[j]);
  }
  const Curvature c = curvature(0);
  for (index_t i = 0; i < rows.chunk.rows; ++i) {
    const T *const s = slopes + i * step, *const out = h + i * step;
    T* const by_z = by_z_[0].row(i) + panel * by_z_[0].stride();
    for (std::size_t j = 0; j < width; ++j) {
      by_z[j] = rows.weight[i] * by_slope[j] * s[j] * s[j] * (c.at_zero + c.by_h * out[j]);
    }
  }
  T* const gradient = gradients + weights.layout().weights(0) + panel * weights.layout().stride(0);
  if (rows.chunk.begins_batch()) std::fill(gradient, gradient + n_weights, T{0});
  for (index_t i = 0; i < n_weights; i += step) {
    const T* const from = w + i;
    T* const to = gradient + i;
    for (std::size_t j = 0; j < width; ++j) to[j] += by_weight[j] * from[j];
  }
}

template <class T>
void Contraction<T>::deep(Team& team, const PanelWeights<T>& weights, const Rows& rows,
                          T* gradients) {
  const bool first = rows.chunk.begins_batch();
  const index_t width = kernels<T>().panel_width;
  const Layer& layer = network_.layer(0);
  const PanelOperand<T> w = weights.product(0);
  const auto columns_end = [&](index_t panel) {
    return std::min(layer.n_out, (panel + 1) * width);
  };
  GemmCall<T> m = panel_product(w.as_rows(), w, m_.into_row(0), layer.n_in, layer.n_out);
  m.a_transposed = true;
  team.for_each(first_panels_, [&](index_t panel, int) {
    multiply(m, {0, layer.n_out, panel * width, columns_end(panel)});
  });
  const index_t task_rows = std::max(index_t{1}, kTaskRows / n_code_);
  for (index_t begin = 0; begin < rows.chunk.rows; begin += part_rows_) {
    const Part part{begin, std::min(part_rows_, rows.chunk.rows - begin)};
    team.for_each(ceil_div(part.n, task_rows), [&](index_t i, int) {
      const index_t end = std::min(part.n, (i + 1) * task_rows);
      multiply_slopes(weights, rows, part, i * task_rows, end);
      value_of_rows(rows, part, i * task_rows, end);
      if (with_gradient_) go_back(weights, rows, part, i * task_rows, end);
    });
    for (index_t i = 0; i < part.n; ++i) value_ += values_[static_cast<std::size_t>(i)];
    if (!with_gradient_) continue;
    team.for_each(static_cast<index_t>(tasks_.size()), [&](index_t i, int) {
      const Task& task = tasks_[static_cast<std::size_t>(i)];
      add_weight_gradient(weights, task, part, begin > 0 || (task.layer > 0 && !first), gradients);
    });
  }
  if (!with_gradient_) return;
  const GemmCall<T> by_w = panel_product(w.as_rows(), operand(sum_),
                                         place_of(0, weights, gradients), layer.n_out, layer.n_out);
  team.for_each(first_panels_, [&](index_t panel, int) {
    multiply(by_w, {0, layer.n_in, panel * width, columns_end(panel)}, !first);
  });
}

/// B_code down to B_0 of rows [begin, end) of the part.
template <class T>
void Contraction<T>::multiply_slopes(const PanelWeights<T>& weights, const Rows& rows,
                                     const Part& part, index_t begin, index_t end) {
  const index_t width = kernels<T>().panel_width;
  for (index_t layer = n_layers_ - 1; layer >= 0; --layer) {
    const auto l = static_cast<std::size_t>(layer);
    PanelMatrix<T>& b = b_[l];
    const index_t n = network_.layer(layer).n_out;
    const bool code = layer + 1 == n_layers_;
    if (!code) {
      multiply(panel_product(b_[l + 1].from_row(0), weights.way_back(layer + 1), b.into_row(0),
                             network_.layer(layer + 1).n_out, n),
               {begin * n_code_, end * n_code_, 0, n});
    }
    const MatrixPanels<const T> slopes = rows.hidden.slope(layer, rows.chunk, part.first);
    for (index_t panel = 0; panel < ceil_div(n, width); ++panel) {
      for (index_t i = begin; i < end; ++i) {
        const T* const s = panel_of(slopes, panel) + i * width;
        for (index_t k = 0; k < n_code_; ++k) {
          T* const row = b.row(i * n_code_ + k) + panel * b.stride();
          if (code) std::fill(row, row + width, T{0});
          if (code && k / width == panel) row[k % width] = T{1};
          for (index_t j = 0; j < width; ++j) row[j] *= s[j];
        }
      }
    }
  }
}

/// D_0, G_0 and the penalty of rows [begin, end) of the part.
template <class T>
void Contraction<T>::value_of_rows(const Rows& rows, const Part& part, index_t begin, index_t end) {
  const index_t width = kernels<T>().panel_width;
  const index_t n = network_.layer(0).n_out;
  const T factor = static_cast<T>(2 * options_.contractive_weight);
  const auto each_run = [&](index_t i, auto function) {  // of the panels of a row's B_0
    for (index_t panel = 0; panel < first_panels_; ++panel) {
      const index_t at = i * n_code_ * width;
      function(panel, at + panel * b_[0].stride(), n_code_ * width);
    }
  };
  for (index_t i = begin; i < end; ++i) {
    const T weight = factor * rows.weight[part.first + i];
    each_run(i, [&](index_t, index_t at, index_t length) {
      const T* const from = b_[0].row(0) + at;
      T* const to = d_0_.row(0) + at;
      for (index_t j = 0; j < length; ++j) to[j] = weight * from[j];
    });
  }
  multiply(panel_product(d_0_.from_row(0), operand(m_), g_[0].into_row(0), n, n),
           {begin * n_code_, end * n_code_, 0, n});
  for (index_t i = begin; i < end; ++i) {
    double sum = 0;
    each_run(i, [&](index_t panel, index_t at, index_t length) {
      const index_t columns = std::min(width, n - panel * width);
      for (index_t row = 0; row < length; row += width) {
        for (index_t j = row; j < row + columns; ++j) {
          sum +=
              static_cast<double>(b_[0].row(0)[at + j]) * static_cast<double>(g_[0].row(0)[at + j]);
        }
      }
    });
    values_[static_cast<std::size_t>(i)] = 0.5 * sum;
  }
}

/// D_l and G_l up to the code, and the derivatives by z, of rows [begin, end) of the part.
template <class T>
void Contraction<T>::go_back(const PanelWeights<T>& weights, const Rows& rows, const Part& part,
                             index_t begin, index_t end) {
  const index_t width = kernels<T>().panel_width;
  for (index_t layer = 0; layer < n_layers_; ++layer) {
    const auto l = static_cast<std::size_t>(layer);
    const index_t n = network_.layer(layer).n_out;
    const PanelMatrix<T>& b = b_[l];
    PanelMatrix<T>& g = g_[l];
    if (layer > 0) {
      multiply(panel_product(g_[l - 1].from_row(0), weights.product(layer), g.into_row(0),
                             network_.layer(layer).n_in, n),
               {begin * n_code_, end * n_code_, 0, n});
    }
    const Curvature c = curvature(layer);
    const MatrixPanels<const T> slopes = rows.hidden.slope(layer, rows.chunk, part.first);
    const MatrixPanels<const T> outputs = rows.hidden.h(layer, rows.chunk, part.first);
    for (index_t panel = 0; panel < ceil_div(n, width); ++panel) {
      for (index_t i = begin; i < end; ++i) {
        const T* const s = panel_of(slopes, panel) + i * width;
        const T* const h = panel_of(outputs, panel) + i * width;
        T* const by_z = by_z_[l].row(part.first + i) + panel * by_z_[l].stride();
        std::fill(by_z, by_z + width, T{0});
        for (index_t k = 0; k < n_code_; ++k) {
          const T* const from = b.row(i * n_code_ + k) + panel * b.stride();
          T* const row = g.row(i * n_code_ + k) + panel * g.stride();
          for (index_t j = 0; j < width; ++j) by_z[j] += row[j] * from[j];
          for (index_t j = 0; j < width; ++j) row[j] *= s[j];
        }
        for (index_t j = 0; j < width; ++j) by_z[j] *= c.at_zero + c.by_h * h[j];
      }
    }
  }
}

/// D_l^T B_l over the rows of the part: of the first layer in `sum_`.
template <class T>
void Contraction<T>::add_weight_gradient(const PanelWeights<T>& weights, const Task& task,
                                         const Part& part, bool accumulate, T* gradients) {
  const index_t width = kernels<T>().panel_width;
  const auto l = static_cast<std::size_t>(task.layer);
  const Layer& layer = network_.layer(task.layer);
  const bool enters = task.layer == 0;
  GemmCall<T> product =
      panel_product((enters ? d_0_ : g_[l - 1]).from_row(0), operand(b_[l]),
                    enters ? sum_.into_row(0) : place_of(task.layer, weights, gradients),
                    part.n * n_code_, layer.n_out);
  product.a_transposed = true;
  multiply(product,
           {0, enters ? layer.n_out : layer.n_in, task.panel * width,
            std::min(layer.n_out, (task.panel + 1) * width)},
           accumulate);
}

/// f''/f' as a function of h, which is a times the factor of dropout.
template <class T>
typename Contraction<T>::Curvature Contraction<T>::curvature(index_t layer) const {
  const Activation activation = network_.layer(layer).activation;
  const T slope = static_cast<T>(-2 * (1 - options_.dropout));
  if (activation == Activation::sigmoid) return {T{1}, slope};  // 1 - 2 a
  if (activation == Activation::tanh) return {T{0}, slope};     // -2 a
  return {T{0}, T{0}};
}

template class Contraction<float>;
template class Contraction<double>;

}  // namespace aecore
