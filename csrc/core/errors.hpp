// What the core throws. std::invalid_argument becomes ValueError, TypeError its Python namesake;
// the core itself never prints, aborts or exits.
#pragma once

#include <stdexcept>
#include <string>

#include "core/types.hpp"

/// Throws std::invalid_argument unless the condition holds. A macro, because the message is put
/// together only where it is needed: as a function's argument it cost ten times what encoding a row
/// does.
#define AECORE_REQUIRE(condition, message)                  \
  do {                                                      \
    if (!(condition)) throw std::invalid_argument(message); \
  } while (false)

namespace aecore {

/// The wrong kind of thing (complex, string, object), as opposed to a wrong value.
struct TypeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// The caller asked to stop (Ctrl-C); the binding turns it into the pending Python exception.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

/// Apart from checked_mul, which is inlined wherever memory is asked for.
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_too_large(index_t a, index_t b) {
  throw std::invalid_argument("array size must fit in 63 bits; got " + std::to_string(a) + " x " +
                              std::to_string(b));
}

/// a * b for sizes, or an error where the product leaves 63 bits.
inline index_t checked_mul(index_t a, index_t b) {
  index_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw_too_large(a, b);
  return product;
}

}  // namespace aecore
