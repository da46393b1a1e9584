// NumPy arrays to pointers: every check of dtype, shape and layout that memory safety needs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bindings/pybind11.hpp"
#include "nn/data/source.hpp"

namespace aecore {

/// Rows that Python handed over, and the arrays that they lie in.
struct Rows {
  RowSource source;
  std::vector<py::array> held;
};

/// An array of any real dtype, byte order and strides, or sparse rows: an object with the
/// attributes `data`, `indices`, `indptr` and `shape` of SciPy's CSR matrices and arrays. Nothing
/// is copied.
Rows rows_of(const py::object& x, const std::string& name);

/// True for a float32 array, false for float64; an error for anything else.
bool is_float32(const py::array& array, const std::string& name);

/// function(T{}) for the scalar type T of the parameters.
template <class Function>
auto with_scalar(const py::array& parameters, Function function) {
  return is_float32(parameters, "parameters") ? function(float{}) : function(double{});
}

/// The data of a C-contiguous array of T with `size` elements in all.
template <class T>
const T* read_pointer(const py::array& array, index_t size, const std::string& name);
template <class T>
T* write_pointer(py::array& array, index_t size, const std::string& name);

std::string shape_text(const py::array& array);

}  // namespace aecore
