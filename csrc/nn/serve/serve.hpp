// Serving: rows through a network for compiled callers, C pointers in and out. Nothing is allocated
// and nothing is thrown after the constructor; no call needs the interpreter or starts a thread.
#pragma once

#include <atomic>

#include "core/memory.hpp"
#include "nn/serve/row_forward.hpp"

namespace aecore {

enum class ServePart : int { encode, decode, reconstruct };

/// What a call returns. The numbers are those of `aecore.serving` and keep their meaning.
enum class ServeStatus : int {
  ok = 0,
  null_pointer = 1,  // x or out is null, or the server does not exist
  wrong_size = 2,    // n_rows is negative, or a row has another width than the network's layer
  wrong_dtype = 3,   // float for a float64 network, or the other way round
  no_decoder = 4,    // the network ends with its code
  not_finite = 5     // a row of x holds NaN or infinity; the rows before it are written
};

/// One network ready to serve. `parameters` (n_parameters) is read at every call and has to outlive
/// the server. Any thread may call; calls on one server take turns, row by row, because they share
/// its scratch: threads that are to run side by side have a server each.
template <class T>
class RowServer {
 public:
  /// The code is the output of layer `code_layer`; where a part begins with the input, x is
  /// multiplied by `input_scale`, and its logarithm is taken with `log1p`.
  RowServer(const Network& network, const T* parameters, index_t code_layer, double input_scale,
            bool log1p = false);

  /// out (n_rows x n_out) = the part's layers applied to x (n_rows x n_in), both row-major and
  /// contiguous, without overlap. A row gets the bits of `forward`.
  ServeStatus forward(ServePart part, const T* x, index_t n_rows, index_t n_in, T* out,
                      index_t n_out) noexcept;

 private:
  bool serve_row(index_t first, index_t last, const T* x, T* out) noexcept;

  Network network_;
  const T* parameters_;
  index_t code_end_;  // layers [0, code_end_) encode
  T input_scale_;
  bool log1p_;
  RowForward<T> row_forward_;
  AlignedBuffer<T> scaled_;                     // what enters, where that is not x
  std::atomic_flag in_use_ = ATOMIC_FLAG_INIT;  // guards both
};

/// A server in plain C, as `aecore._core` hands it to the Cython module: the function of the other
/// scalar type is null.
struct ServingEntry {
  void* server;
  int (*forward_float)(void* server, int part, const float* x, index_t n_rows, index_t n_in,
                       float* out, index_t n_out) noexcept;
  int (*forward_double)(void* server, int part, const double* x, index_t n_rows, index_t n_in,
                        double* out, index_t n_out) noexcept;
};

/// The capsule's name; the number is raised when ServingEntry changes.
inline constexpr const char* kServingCapsule = "aecore.serving.1";

}  // namespace aecore
