// All threading of the project: one team per large call (team.hpp), made here. No other file starts
// a thread or names OpenMP.
//
// Helpers are threads of their own, made for the call and gone with it. OpenMP's would spin for
// milliseconds after each call, beside the caller's next line: measured on two cores, NumPy's dot
// took 2.7 to 3.6 times as long then, KMeans 1.5 to 1.7 times; after threads that end, 1.09
// and 1.04. To make them takes 30-60 us, and a region per layer would cost 16-48 us each.
#pragma once

#include <functional>

#include "core/team.hpp"

namespace aecore {

/// Runs body(team) on the calling thread, which leads a team of up to `n_threads` workers, and
/// rethrows what it throws after all helpers have left. The team is smaller where the system
/// refuses to create threads; `thread_shortage()` then says so once. Where the user has OpenMP bind
/// its threads to cores, OpenMP makes the team.
///
/// Where the body calls Python code that forks and comes back to it in the child, it has to end
/// there: further jobs throw Interrupted, and nobody waits for helpers, who stayed in the parent.
/// Only OpenMP would wait for its own, so there the child ends.
void run_team(int n_threads, const Poll& poll, const std::function<void(Team&)>& body);

/// True once after a team that lacked threads, for the binding to warn with.
bool thread_shortage();

/// "openmp" or "std::thread".
const char* threading_backend();

/// OpenMP's maximum in the calling thread (hardware threads in the std::thread build).
int backend_max_threads();

/// Lets OpenMP's sleeping team go before each fork, so that a child can start its own; idempotent.
void install_fork_handler();

}  // namespace aecore
