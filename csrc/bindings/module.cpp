// The module `aecore._core`: nothing but the list of its parts.
#include "bindings/binders.hpp"
#include "core/errors.hpp"
#include "core/forks.hpp"
#include "core/threads.hpp"
#include "kernels/dispatch.hpp"

namespace {

/// Sets ImportError in an interpreter beside the main one. The core has one choice of kernels, one
/// count of forks and one set of Python types in a process, and NumPy is not made for more either.
bool in_another_interpreter() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return false;
  PyErr_SetString(PyExc_ImportError,
                  "aecore can be imported in the main interpreter of a process alone, not in a "
                  "sub-interpreter (mod_wsgi: set WSGIApplicationGroup %{GLOBAL})");
  return true;
}

}  // namespace

/// What Python calls. pybind11's own function would wait for ever in a sub-interpreter of Python
/// before 3.12; later ones may call this in the main interpreter, and go on in another.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core();

PYBIND11_MODULE(_core_of_main, m) {
  if (in_another_interpreter()) throw py::error_already_set();
  m.doc() = "The compiled core of aecore. Private: use aecore.Network and the estimators.";
  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const aecore::TypeError& e) {
      py::set_error(PyExc_TypeError, e.what());
    }
  });
  aecore::kernel_table();  // a wrong AECORE_ISA is an error of the import, not of the first call
  aecore::count_forks();
  aecore::install_fork_handler();
  aecore::bind_options(m);
  aecore::bind_data(m);
  aecore::bind_network(m);
  aecore::bind_build(m);
  aecore::bind_clustering(m);
  aecore::bind_numerics(m);
  aecore::bind_ranking(m);
  aecore::bind_running(m);
  aecore::bind_serving(m);
}

PyObject* PyInit__core() { return in_another_interpreter() ? nullptr : PyInit__core_of_main(); }
