// The only place that allocates numbers: 64-byte aligned, owning, never resized in use.
#pragma once

#include <cstring>
#include <memory>
#include <new>

#include "core/errors.hpp"
#include "core/types.hpp"

namespace aecore {

inline constexpr std::size_t kAlignment = 64;  // one cache line, one AVX-512 vector

/// `size` elements of a trivial type, zeroed on request only: the kernels write before they read.
template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(index_t size) : size_(size) {
    const index_t bytes = checked_mul(size > 0 ? size : 1, index_t{sizeof(T)});
    data_.reset(static_cast<T*>(
        ::operator new(static_cast<std::size_t>(bytes), std::align_val_t{kAlignment})));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  index_t size() const { return size_; }
  T& operator[](index_t i) { return data_.get()[i]; }
  const T& operator[](index_t i) const { return data_.get()[i]; }
  void zero() {
    if (size_ > 0) std::memset(data_.get(), 0, static_cast<std::size_t>(size_) * sizeof(T));
  }
  /// At least `size` elements; the content is lost when the buffer grows.
  void reserve(index_t size) {
    if (size > size_) *this = AlignedBuffer(size);
  }
  /// The same with some room beyond, for sizes that differ a little from batch to batch.
  void reserve_more(index_t size) {
    if (size > size_) reserve(size + size / 4);
  }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T, Free> data_;
  index_t size_ = 0;
};

}  // namespace aecore
