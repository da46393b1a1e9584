#include "bindings/running.hpp"

#include "core/limits.hpp"
#include "core/placement.hpp"

namespace aecore {

int choose_threads(int n_threads, double work, double worthwhile) {
  AECORE_REQUIRE(n_threads >= 0,
                 "n_threads must be None or a positive integer; got " + std::to_string(n_threads));
  if (n_threads == 0) n_threads = work < worthwhile ? 1 : default_n_threads();
  if (n_threads > 1) obey_placement_variable();  // here, where the GIL keeps the environment still
  return n_threads;
}

bool signal_pending() {
  const py::gil_scoped_acquire acquire;
  return PyErr_CheckSignals() != 0;
}

}  // namespace aecore
