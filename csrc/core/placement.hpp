// Where the helpers of a team run. The system often leaves a woken helper on the core of the thread
// that woke it: on two cores a second thread then brings nothing. For the length of a call each
// helper is kept on a core of its own; the calling thread is never touched. Linux only.
#pragma once

#include <atomic>
#include <memory>

#if defined(__linux__)
#include <sched.h>
#endif

namespace aecore {

/// Whether teams made by this thread are placed from now on: not with AECORE_PLACEMENT=0. Reading
/// the environment is unsafe beside a thread that changes it, so callers say when.
void obey_placement_variable();

/// The cores of one team's helpers.
class Placement {
 public:
  explicit Placement(int n_helpers);
  ~Placement();
  Placement(const Placement&) = delete;
  Placement& operator=(const Placement&) = delete;

  /// Chooses a core for each helper: allowed to the calling thread, not the one it runs on,
  /// distinct. None when there are fewer than workers. Called again, it prefers cores it had not
  /// chosen. Allocates nothing.
  void choose();

  /// Of a helper, counted from 0; -1: where the system likes.
  int core(int helper) const { return cores_[helper].load(std::memory_order_relaxed); }

 private:
  void release();

  int n_helpers_;
  std::unique_ptr<std::atomic<int>[]> cores_;
};

/// A helper's own mask: restricted by stay_on, put back in the end.
class Placed {
 public:
  Placed() = default;
  ~Placed();
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;

  /// Failure (a container may forbid it) changes nothing.
  void stay_on(int core);

 private:
#if defined(__linux__)
  int core_ = -1;  // untouched
  cpu_set_t before_;
#endif
};

}  // namespace aecore
