#include "bindings/running.hpp"

#include <utility>

#include "bindings/binders.hpp"
#include "core/limits.hpp"
#include "core/placement.hpp"

namespace aecore {

namespace {

thread_local const StopFlag* flag_of_thread = nullptr;

}  // namespace

py::object run_alone(const StopFlag& stop, const py::function& function) {
  struct Restore {
    const StopFlag* before;
    ~Restore() { flag_of_thread = before; }
  } const restore{std::exchange(flag_of_thread, &stop)};
  return function();
}

bool runs_alone() { return flag_of_thread != nullptr; }

bool flag_raised() {
  if (flag_of_thread == nullptr || !flag_of_thread->is_set()) return false;
  PyErr_SetNone(PyExc_KeyboardInterrupt);
  return true;
}

int choose_threads(int n_threads, double work, double worthwhile) {
  AECORE_REQUIRE(n_threads >= 0,
                 "n_threads must be None or a positive integer; got " + std::to_string(n_threads));
  if (runs_alone()) return 1;
  if (n_threads == 0) n_threads = work < worthwhile ? 1 : default_n_threads();
  if (n_threads > 1) obey_placement_variable();  // here, where the GIL keeps the environment still
  return n_threads;
}

bool asked_to_stop() {
  return PyErr_Occurred() != nullptr || PyErr_CheckSignals() != 0 || flag_raised();
}

bool signal_pending() { return stopped_by(&asked_to_stop); }

bool came_from_a_fork(unsigned forks) {
  if (fork_count() == forks) return false;
  if (PyErr_Occurred() == nullptr) {
    PyErr_SetString(PyExc_RuntimeError,
                    "a forked child came back into a computation of its parent, which goes on "
                    "there alone: end the child where it was forked, or compute anew in it");
  }
  return true;
}

void bind_running(py::module_& m) {
  py::class_<StopFlag>(m, "StopFlag").def(py::init<>()).def("set", &StopFlag::set);
  m.def("run_alone", &run_alone, py::arg("stop"), py::arg("function"));
  m.def("runs_alone", &runs_alone);
}

}  // namespace aecore
