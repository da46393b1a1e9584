// All threading of the project: one team per large call (team.hpp), made here. No other file starts
// a thread or names OpenMP.
//
// Measured on two cores: a parallel region per layer costs 16-48 us to wake a sleeping team, and a
// team that spins makes the user's next NumPy call 15x slower; one region whose workers spin
// briefly and then sleep runs at the ideal speed under every OpenMP setting.
#pragma once

#include <functional>

#include "core/team.hpp"

namespace aecore {

/// Runs body(team) on the calling thread, which leads a team of up to `n_threads` workers, and
/// rethrows what it throws after all helpers have left. One thread never enters OpenMP. Falls back
/// to one thread where the system refuses to create more (libgomp would end the process);
/// `thread_shortage()` then says so once.
void run_team(int n_threads, const Poll& poll, const std::function<void(Team&)>& body);

/// True once after a fallback to one thread, for the binding to warn with.
bool thread_shortage();

/// "openmp" or "std::thread".
const char* threading_backend();

/// OpenMP's maximum in the calling thread (hardware threads in the std::thread build).
int backend_max_threads();

/// Lets OpenMP's sleeping team go before each fork, so that a child can start its own; idempotent.
void install_fork_handler();

}  // namespace aecore
