#include "nn/serve/serve.hpp"

#include <algorithm>
#include <thread>

#include "core/errors.hpp"
#include "core/float_mode.hpp"
#include "kernels/dispatch.hpp"
#include "nn/data/source.hpp"
#include "nn/serve/forward.hpp"

namespace aecore {

namespace {

/// Held for one row, a microsecond or so: waiting costs less than a lock that sleeps.
class Turn {
 public:
  explicit Turn(std::atomic_flag& in_use) : in_use_(in_use) {
    while (in_use_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  ~Turn() { in_use_.clear(std::memory_order_release); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::atomic_flag& in_use_;
};

}  // namespace

template <class T>
RowServer<T>::RowServer(const Network& network, const T* parameters, index_t code_layer,
                        double input_scale, bool log1p)
    : network_(network),
      parameters_(parameters),
      code_end_(code_layer + 1),
      input_scale_(static_cast<T>(input_scale)),
      log1p_(log1p),
      scaled_(round_up(network.n_in(), kernels<T>().panel_width)) {
  AECORE_REQUIRE(!network.convolves(0, network.n_layers()),
                 "network must be without layers that convolve to be served row by row; got one");
  row_forward_.reserve(network_, 0, network.n_layers());
  AECORE_REQUIRE(code_layer >= 0 && code_layer < network.n_layers(),
                 "code_layer must lie in [0, " + std::to_string(network.n_layers()) + "); got " +
                     std::to_string(code_layer));
}

template <class T>
bool RowServer<T>::serve_row(index_t first, index_t last, const T* x, T* out) noexcept {
  const Turn turn(in_use_);
  const FloatMode mode(FloatMode::flush_to_zero);  // as in a team: the same bits
  if (first == 0 && (input_scale_ != T{1} || log1p_)) {
    std::transform(x, x + network_.n_in(), scaled_.data(), [&](T v) { return v * input_scale_; });
    if (log1p_) take_logarithms(scaled_.data(), network_.n_in(), scaled_.data());
    x = scaled_.data();
  }
  return row_forward_.run(network_, parameters_, first, last, x, out);
}

template <class T>
ServeStatus RowServer<T>::forward(ServePart part, const T* x, index_t n_rows, index_t n_in, T* out,
                                  index_t n_out) noexcept {
  const index_t first = part == ServePart::decode ? code_end_ : 0;
  const index_t last = part == ServePart::encode ? code_end_ : network_.n_layers();
  if (first == last) return ServeStatus::no_decoder;
  if (n_rows < 0 || n_in != network_.layer(first).n_in || n_out != network_.layer(last - 1).n_out) {
    return ServeStatus::wrong_size;
  }
  if (n_rows == 0) return ServeStatus::ok;
  if (x == nullptr || out == nullptr) return ServeStatus::null_pointer;
  for (index_t row = 0; row < n_rows; ++row) {
    if (!serve_row(first, last, x + row * n_in, out + row * n_out)) return ServeStatus::not_finite;
  }
  return ServeStatus::ok;
}

template class RowServer<float>;
template class RowServer<double>;

}  // namespace aecore
