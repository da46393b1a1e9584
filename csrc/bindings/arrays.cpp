#include "bindings/arrays.hpp"

#include <algorithm>
#include <limits>

#include "core/errors.hpp"

namespace aecore {

namespace {

std::string dtype_text(const py::array& array) { return py::str(array.dtype()); }

bool foreign_order(const py::dtype& dtype) {
  const char order = dtype.byteorder();
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return order == '>';
#else
  return order == '<';
#endif
}

Element element_of(const py::array& array, const std::string& name) {
  const py::dtype dtype = array.dtype();
  switch (dtype.kind()) {
    case 'b':
      return Element::boolean;
    case 'f':
      if (dtype.itemsize() == 2) return Element::float16;
      if (dtype.itemsize() == 4) return Element::float32;
      if (dtype.itemsize() == 8) return Element::float64;
      break;
    case 'u':
      if (dtype.itemsize() == 1) return Element::uint8;
      if (dtype.itemsize() == 2) return Element::uint16;
      if (dtype.itemsize() == 4) return Element::uint32;
      if (dtype.itemsize() == 8) return Element::uint64;
      break;
    case 'i':
      if (dtype.itemsize() == 1) return Element::int8;
      if (dtype.itemsize() == 2) return Element::int16;
      if (dtype.itemsize() == 4) return Element::int32;
      if (dtype.itemsize() == 8) return Element::int64;
      break;
    default:
      break;
  }
  throw TypeError(name + " must hold real numbers of at most 64 bits; got dtype " +
                  dtype_text(array));
}

void check_contiguous(const py::array& array, index_t size, std::size_t item, char kind,
                      const std::string& name) {
  const bool good = (array.flags() & py::array::c_style) != 0 && array.dtype().kind() == kind &&
                    static_cast<std::size_t>(array.itemsize()) == item &&
                    !foreign_order(array.dtype());
  const std::string type = (kind == 'f'   ? "float"
                            : kind == 'i' ? "int"
                                          : "uint") +
                           std::to_string(8 * item);
  AECORE_REQUIRE(good, name + " must be a C-contiguous array of " + type + "; got dtype " +
                           dtype_text(array) + ", shape " + shape_text(array));
  AECORE_REQUIRE(array.size() == size, name + " must have " + std::to_string(size) +
                                           " elements; got shape " + shape_text(array));
}

template <class T>
constexpr char kind_of() {
  return std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
}

}  // namespace

std::string shape_text(const py::array& array) { return py::str(py::object(array.attr("shape"))); }

namespace {

RowSource dense_source(const py::array& array, const std::string& name) {
  AECORE_REQUIRE(array.ndim() == 2, name + " must be 2-D (n_samples, n_features); got " +
                                        std::to_string(array.ndim()) + "-D with shape " +
                                        shape_text(array));
  RowSource source;
  source.data = static_cast<const char*>(array.data());
  source.element = element_of(array, name);
  source.swapped = foreign_order(array.dtype());
  source.n_rows = array.shape(0);
  source.n_columns = array.shape(1);
  source.row_stride = array.strides(0);
  source.column_stride = array.strides(1);
  source.name = name;
  return source;
}

/// One of the index arrays: 32- or 64-bit integers next to each other; `wide` says which.
const void* index_pointer(const py::array& array, const std::string& name, bool& wide) {
  const py::dtype dtype = array.dtype();
  wide = dtype.itemsize() == 8;
  const auto distance = static_cast<index_t>(dtype.itemsize());
  const bool good = array.ndim() == 1 && dtype.kind() == 'i' && (wide || distance == 4) &&
                    !foreign_order(dtype) && (array.size() < 2 || array.strides(0) == distance);
  AECORE_REQUIRE(good, name + " must be a contiguous 1-D array of int32 or int64; got dtype " +
                           dtype_text(array) + ", shape " + shape_text(array));
  return array.data();
}

Rows sparse_rows(const py::object& x, const std::string& name) {
  const auto part = [&](const char* attribute) -> py::array {
    const py::object value = py::getattr(x, attribute, py::none());
    if (!py::isinstance<py::array>(value)) {
      throw TypeError(name + " must be an array or sparse rows (CSR); got " +
                      std::string(py::str(py::type::of(x).attr("__name__"))));
    }
    return value;
  };
  Rows rows{{}, {part("data"), part("indices"), part("indptr")}};
  const py::array &data = rows.held[0], &indices = rows.held[1], &indptr = rows.held[2];
  const auto shape = py::getattr(x, "shape").cast<std::vector<index_t>>();
  AECORE_REQUIRE(shape.size() == 2 && data.ndim() == 1,
                 name + " must be 2-D (n_samples, n_features); got " +
                     std::to_string(shape.size()) + "-D sparse rows");
  RowSource& source = rows.source;
  source.data = static_cast<const char*>(data.data());
  source.element = element_of(data, name);
  source.swapped = foreign_order(data.dtype());
  source.n_rows = shape[0];
  source.n_columns = shape[1];
  source.column_stride = data.strides(0);
  source.name = name;
  EntryIndex& entries = source.entries;
  entries.columns = index_pointer(indices, name + ".indices", entries.wide_columns);
  entries.indptr = index_pointer(indptr, name + ".indptr", entries.wide_indptr);
  entries.n_entries = std::min<index_t>(data.size(), indices.size());
  AECORE_REQUIRE(source.n_rows >= 0 && indptr.size() == source.n_rows + 1,
                 name + ".indptr must have n_rows + 1 = " + std::to_string(source.n_rows + 1) +
                     " numbers; got " + std::to_string(indptr.size()));
  AECORE_REQUIRE(
      source.n_columns <= std::numeric_limits<std::int32_t>::max(),
      name + " must have fewer than 2^31 columns; got " + std::to_string(source.n_columns));
  return rows;
}

}  // namespace

Rows rows_of(const py::object& x, const std::string& name) {
  if (!py::isinstance<py::array>(x)) return sparse_rows(x, name);
  const auto array = py::reinterpret_borrow<py::array>(x);
  return {dense_source(array, name), {array}};
}

bool is_float32(const py::array& array, const std::string& name) {
  const py::dtype dtype = array.dtype();
  const bool real = dtype.kind() == 'f' && (dtype.itemsize() == 4 || dtype.itemsize() == 8);
  AECORE_REQUIRE(real, name + " must be float32 or float64; got dtype " + dtype_text(array));
  return dtype.itemsize() == 4;
}

template <class T>
const T* read_pointer(const py::array& array, index_t size, const std::string& name) {
  check_contiguous(array, size, sizeof(T), kind_of<T>(), name);
  return static_cast<const T*>(array.data());
}

template <class T>
T* write_pointer(py::array& array, index_t size, const std::string& name) {
  check_contiguous(array, size, sizeof(T), kind_of<T>(), name);
  AECORE_REQUIRE(array.writeable(), name + " must be writeable; got a read-only array");
  return static_cast<T*>(array.mutable_data());
}

template const float* read_pointer<float>(const py::array&, index_t, const std::string&);
template const double* read_pointer<double>(const py::array&, index_t, const std::string&);
template const std::int64_t* read_pointer<std::int64_t>(const py::array&, index_t,
                                                        const std::string&);
template const std::int32_t* read_pointer<std::int32_t>(const py::array&, index_t,
                                                        const std::string&);
template const std::uint8_t* read_pointer<std::uint8_t>(const py::array&, index_t,
                                                        const std::string&);
template std::int32_t* write_pointer<std::int32_t>(py::array&, index_t, const std::string&);
template float* write_pointer<float>(py::array&, index_t, const std::string&);
template double* write_pointer<double>(py::array&, index_t, const std::string&);

}  // namespace aecore
