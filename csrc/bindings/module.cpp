// The module `aecore._core`: nothing but the list of its parts.
#include "bindings/binders.hpp"
#include "core/errors.hpp"
#include "core/threads.hpp"
#include "kernels/dispatch.hpp"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of aecore. Private: use aecore.Network and the estimators.";
  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const aecore::TypeError& e) {
      py::set_error(PyExc_TypeError, e.what());
    }
  });
  aecore::kernel_table();  // a wrong AECORE_ISA is an error of the import, not of the first call
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
