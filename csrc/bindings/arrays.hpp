// NumPy arrays to pointers: every check of dtype, shape and layout that memory safety needs.
#pragma once

#include <optional>
#include <string>

#include "bindings/pybind11.hpp"
#include "nn/source.hpp"

namespace aecore {

/// Rows of any real dtype, byte order and strides; nothing is copied.
RowSource row_source(const py::array& array, const std::string& name);

/// True for a float32 array, false for float64; an error for anything else.
bool is_float32(const py::array& array, const std::string& name);

/// The data of a C-contiguous array of T with `size` elements in all.
template <class T>
const T* read_pointer(const py::array& array, index_t size, const std::string& name);
template <class T>
T* write_pointer(py::array& array, index_t size, const std::string& name);

std::string shape_text(const py::array& array);

}  // namespace aecore
