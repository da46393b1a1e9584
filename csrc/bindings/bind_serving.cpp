// The way of compiled callers past the interpreter: a network as plain C pointers in a capsule. The
// Cython module aecore.serving calls through them, so there is one copy of the kernels in a process
// and one choice of instruction set.
#include "bindings/arrays.hpp"
#include "bindings/binders.hpp"
#include "nn/serve/serve.hpp"

namespace aecore {

namespace {

template <class T>
struct Served : ServingEntry {
  Served(const Network& network, const T* parameters, index_t code_layer, double input_scale,
         bool log1p)
      : ServingEntry{}, row_server(network, parameters, code_layer, input_scale, log1p) {
    server = &row_server;
    if constexpr (sizeof(T) == sizeof(float)) {
      forward_float = &forward;
    } else {
      forward_double = &forward;
    }
  }
  static int forward(void* self, int part, const T* x, index_t n_rows, index_t n_in, T* out,
                     index_t n_out) noexcept {
    return static_cast<int>(static_cast<RowServer<T>*>(self)->forward(static_cast<ServePart>(part),
                                                                      x, n_rows, n_in, out, n_out));
  }

  RowServer<T> row_server;
};

template <class T>
void destroy(PyObject* capsule) {
  auto* const entry = static_cast<ServingEntry*>(PyCapsule_GetPointer(capsule, kServingCapsule));
  delete static_cast<Served<T>*>(entry);
}

template <class T>
py::capsule make_capsule(const Network& network, const py::array& parameters, index_t code_layer,
                         double input_scale, bool log1p) {
  const T* const pointer = read_pointer<T>(parameters, network.n_parameters(), "parameters");
  auto served = std::make_unique<Served<T>>(network, pointer, code_layer, input_scale, log1p);
  const py::capsule capsule(static_cast<ServingEntry*>(served.get()), kServingCapsule, &destroy<T>);
  served.release();
  return capsule;
}

py::capsule serving_entry(const Network& network, const py::array& parameters, index_t code_layer,
                          double input_scale, bool log1p) {
  return is_float32(parameters, "parameters")
             ? make_capsule<float>(network, parameters, code_layer, input_scale, log1p)
             : make_capsule<double>(network, parameters, code_layer, input_scale, log1p);
}

}  // namespace

void bind_serving(py::module_& m) {
  using py::arg;
  m.def("serving_entry", &serving_entry, arg("network"), arg("parameters").noconvert(),
        arg("code_layer"), arg("input_scale"), arg("log1p"));
}

}  // namespace aecore
