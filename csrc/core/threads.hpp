// All threading of the project: one team per large call, work handed out by an atomic counter, a
// barrier that spins briefly and then sleeps. No other file starts a thread or names OpenMP.
//
// Measured on two cores: a parallel region per layer costs 16-48 us to wake a sleeping team, and a
// team that spins makes the user's next NumPy call 15x slower; one region with a bounded barrier
// runs at the ideal speed under every OpenMP setting.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>

#include "core/types.hpp"

namespace aecore {

/// Asked on the calling thread about every 25 ms of work; true stops the work.
using Poll = std::function<bool()>;

/// What the workers of one call share. `aborted` wakes everybody after an exception.
struct Team {
  explicit Team(const Poll& poll_function) : poll(poll_function) {}
  const Poll& poll;
  std::atomic<index_t> next_task{0};
  std::atomic<int> arrived{0};
  std::atomic<unsigned> generation{0};
  std::atomic<int> sleepers{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> aborted{false};
  std::exception_ptr error;  // the first one; guarded by mutex
  std::mutex mutex;
  std::condition_variable wake;
};

/// One thread's handle on the team; every worker runs the same body.
class Worker {
 public:
  Worker(Team& team, int id, int size);
  int id() const { return id_; }
  int size() const { return size_; }

  /// Every worker calls it; returns when all have.
  void barrier();

  /// Every worker calls it with the same arguments: body(task) runs once for each task in
  /// [0, n_tasks), on any worker, and all are done on return. Throws Interrupted on every worker
  /// when the poll asked to stop.
  template <class Body>
  void for_each(index_t n_tasks, Body&& body) {
    if (size_ == 1) {
      for (index_t task = 0; task < n_tasks && !polled_stop(); ++task) body(task);
    } else {
      for (;;) {
        if (id_ == 0 && polled_stop()) break;
        if (team_.stop.load(std::memory_order_relaxed)) break;
        const index_t task = team_.next_task.fetch_add(1, std::memory_order_relaxed);
        if (task >= n_tasks) break;
        body(task);
      }
      barrier();
    }
    throw_if_stopped();
  }

  /// The same without asking to stop: a weight update is finished or not begun.
  template <class Body>
  void for_each_to_the_end(index_t n_tasks, Body&& body) {
    if (size_ == 1) {
      for (index_t task = 0; task < n_tasks; ++task) body(task);
      return;
    }
    for (;;) {
      const index_t task = team_.next_task.fetch_add(1, std::memory_order_relaxed);
      if (task >= n_tasks) break;
      body(task);
    }
    barrier();
  }

  /// For long work of worker 0 alone, inside once(): asks the poll, throws Interrupted.
  void throw_if_asked_to_stop() {
    if (polled_stop()) throw_if_stopped();
  }

  /// body() on worker 0 only; all wait for it.
  template <class Body>
  void once(Body&& body) {
    if (id_ == 0) body();
    if (size_ > 1) barrier();
  }

 private:
  bool polled_stop();
  void throw_if_stopped() const;

  Team& team_;
  int id_;
  int size_;
  std::chrono::steady_clock::time_point next_poll_;
};

/// Runs body(worker) on `n_threads` workers, the calling thread being worker 0, and rethrows the
/// first exception after all have left. One thread never enters OpenMP. Falls back to one thread
/// where the system refuses to create more (libgomp would end the process); `thread_shortage()`
/// then says so once.
void run_team(int n_threads, const Poll& poll, const std::function<void(Worker&)>& body);

/// True once after a fallback to one thread, for the binding to warn with.
bool thread_shortage();

/// "openmp" or "std::thread".
const char* threading_backend();

/// OpenMP's maximum in the calling thread (hardware threads in the std::thread build).
int backend_max_threads();

/// Lets OpenMP's sleeping team go before each fork, so that a child can start its own; idempotent.
void install_fork_handler();

}  // namespace aecore
