// How a long computation and the interpreter share a thread: the GIL is released around the work
// and taken back every 25 ms to see signals.
#pragma once

#include <atomic>

#include "bindings/pybind11.hpp"
#include "core/errors.hpp"
#include "core/forks.hpp"
#include "core/threads.hpp"

namespace aecore {

/// `n_threads` 0: as many as default_n_threads() says, or one where `work` (multiply-adds between
/// two barriers) is below `worthwhile`. A positive number is taken exactly.
int choose_threads(int n_threads, double work, double worthwhile);

/// Making a team takes 30-60 us; at 2e7 multiply-adds (250 us) two threads gained nothing.
inline constexpr double kWorthATeam = 3e7;
/// Inside a team a step pays its barriers only, some microseconds.
inline constexpr double kWorthABarrier = 1e6;

/// Giving the GIL back and forth costs 0.1 us, and no thread misses it for a few microseconds.
inline constexpr double kWorthTheGil = 2e5;

/// Says to the threads of `run_alone` that they should stop: signals reach the main thread only.
class StopFlag {
 public:
  void set() { set_.store(true); }
  bool is_set() const { return set_.load(); }

 private:
  std::atomic<bool> set_{false};
};

/// function(), one of several that run side by side: what it computes on this thread is computed
/// without helpers, whatever `n_threads` says, and raises KeyboardInterrupt when `stop` is set.
py::object run_alone(const StopFlag& stop, const py::function& function);
bool runs_alone();

/// Whether the flag of this thread's `run_alone` is set; KeyboardInterrupt is set then. With the
/// GIL.
bool flag_raised();

/// True when Python has an exception for this thread: one that is set already, that of a signal
/// handler, or that of `run_alone`. It stays set for compute() to throw. With the GIL.
bool asked_to_stop();
bool signal_pending();  // the same without the GIL

/// Whether this is a child that was forked since there were `forks`, and came back into the
/// computation; RuntimeError is set then, unless something is. With the GIL.
bool came_from_a_fork(unsigned forks);

/// call(), which runs Python code, with the GIL taken for it; true, with an exception set, where it
/// raised one or forked and came back in the child.
template <class Call>
bool stopped_by(Call&& call) {
  const py::gil_scoped_acquire acquire;
  const unsigned forks = fork_count();
  bool stop = true;
  try {
    stop = call();
  } catch (py::error_already_set& error) {
    error.restore();
  }
  return came_from_a_fork(forks) || stop;
}

/// Runs body() without the GIL. Safe because the body sees pointers and sizes only, and the arrays
/// they belong to are held by the caller's arguments.
template <class Body>
void compute(Body&& body) {
  if (flag_raised()) throw py::error_already_set();  // the calls may be too brief for a poll
  try {
    const py::gil_scoped_release release;
    body();
  } catch (const Interrupted&) {
    throw py::error_already_set();
  }
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (thread_shortage()) {
    const char* const text =
        "aecore could not create threads (limit of the system); running on fewer";
    if (PyErr_WarnEx(PyExc_RuntimeWarning, text, 1) < 0) throw py::error_already_set();
  }
}

}  // namespace aecore
