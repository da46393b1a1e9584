#include "nn/rows/entering.hpp"

#include <algorithm>
#include <cmath>

#include "core/random.hpp"

namespace aecore {

namespace {

// Rows gathered before they enter: what the gather wrote is then still in the second-level cache.
constexpr index_t kRowsAtOnce = 32;

template <class T>
EnterCall<T> enter_call(const InputOptions& input, const NoiseOptions* noise, const Draw& draw) {
  EnterCall<T> call{};
  call.mask_missing = input.mask_missing;
  call.log1p = input.log1p;
  call.noise = Noise::none;
  if (noise == nullptr || noise->kind == Noise::none) return call;
  const bool by_probability =
      noise->kind == Noise::masking || noise->kind == Noise::salt_and_pepper;
  if (by_probability && noise->level <= 0) return call;  // no word is below 0
  call.noise = noise->kind;
  call.level = static_cast<T>(noise->level);
  call.emphasis = static_cast<T>(noise->emphasis);
  if (by_probability) {
    call.drawn_below = static_cast<std::uint64_t>(std::ceil(noise->level * 0x1p32));
    call.pepper_below = static_cast<std::uint64_t>(std::ceil(noise->level * 0x1p31));
  }
  call.seed = draw.seed;
  call.epoch = draw.epoch;
  call.purpose = static_cast<std::uint32_t>(Purpose::noise);
  return call;
}

template <class T>
MatrixPanels<T> from_row(const MatrixPanels<T>& panels, index_t row) {
  if (panels.data == nullptr) return {};
  return {panels.data + row * panels.row, panels.row, panels.stride};
}

template <class T>
void enter(EnterCall<T> call, const RowSource& x, const RowRange& range, const InputOptions& input,
           const MatrixPanels<T>& clean, const EnteringPanels<T>& to) {
  call.clean = clean.data;
  call.clean_stride = clean.stride;
  call.entering = to.entering.data;
  call.entering_stride = to.entering.stride;
  call.weight = to.weight.data;
  call.weight_stride = to.weight.stride;
  call.rows = range.rows != nullptr ? range.rows + range.first : nullptr;
  call.first_row = range.first;
  call.n_rows = range.n;
  call.n_columns = x.n_columns;
  if (kernels<T>().enter(call) != 0) throw_first_offender<T>(x, input, false);
}

/// Every feature of a target counts alike.
template <class T>
void weigh_alike(const MatrixPanels<T>& weight, index_t n_rows, index_t n_columns) {
  const index_t width = kernels<T>().panel_width;
  for (index_t panel = 0; panel * width < n_columns; ++panel) {
    T* const rows = weight.data + panel * weight.stride;
    std::fill(rows, rows + n_rows * width, T{1});
  }
}

}  // namespace

template <class T>
void gather_entering(const RowSource& x, const RowSource* target, const RowRange& range,
                     const InputOptions& input, const NoiseOptions* noise, const Draw& draw,
                     bool unit_range, const EnteringPanels<T>& to) {
  const EnterCall<T> call = enter_call<T>(input, noise, draw);
  const bool own_target = target == nullptr && to.target.data != nullptr;
  // What noise makes of a feature of X says nothing of a target of other features.
  const bool same_features = target == nullptr || target->n_columns == x.n_columns;
  InputOptions target_input;
  target_input.mask_missing = input.mask_missing;
  for (index_t first = 0; first < range.n; first += kRowsAtOnce) {
    const RowRange part{range.rows, range.first + first, std::min(kRowsAtOnce, range.n - first), 0};
    const EnteringPanels<T> here{from_row(to.entering, first), from_row(to.target, first),
                                 from_row(to.weight, first)};
    const MatrixPanels<T>& clean = own_target ? here.target : here.entering;
    gather_rows<T>(x, part, input, unit_range && target == nullptr, clean.data, clean.stride);
    if (same_features || here.weight.data == nullptr) {
      enter(call, x, part, input, clean, here);
    } else {
      enter(call, x, part, input, clean, {here.entering, here.target, {}});
      weigh_alike(here.weight, part.n, target->n_columns);
    }
    if (target != nullptr) {
      gather_rows<T>(*target, part, target_input, unit_range, here.target.data, here.target.stride);
    }
    if (!input.mask_missing || here.target.data == nullptr) continue;
    const RowSource& compared = target != nullptr ? *target : x;
    if (kernels<T>().leave_out_missing(here.target.data, here.target.stride, here.weight.data,
                                       here.weight.stride, part.n, compared.n_columns) != 0) {
      throw_first_offender<T>(compared, target_input, false);
    }
  }
}

template void gather_entering<float>(const RowSource&, const RowSource*, const RowRange&,
                                     const InputOptions&, const NoiseOptions*, const Draw&, bool,
                                     const EnteringPanels<float>&);
template void gather_entering<double>(const RowSource&, const RowSource*, const RowRange&,
                                      const InputOptions&, const NoiseOptions*, const Draw&, bool,
                                      const EnteringPanels<double>&);

}  // namespace aecore
