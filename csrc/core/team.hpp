// Who does the work of one large call: the calling thread leads, runs the control flow alone and
// posts jobs; helpers serve their tasks. A job waits only for helpers that joined it, so one that
// the system has not woken costs nothing. Where helpers run: placement.hpp; when they rest:
// pace.hpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <type_traits>
#include <vector>

#include "core/pace.hpp"
#include "core/placement.hpp"
#include "core/types.hpp"

namespace aecore {

/// Asked on the calling thread about every 25 ms of work; true stops the work.
using Poll = std::function<bool()>;

class Team {
 public:
  /// Up to `max_size` workers, placed unless OpenMP was told to bind them; `pace`: what is known
  /// from earlier calls of this thread.
  Team(const Poll& poll, int max_size, bool place, const Pace& pace);
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// Workers: the leader, number 0, and the helpers.
  int size() const { return size_; }

  /// body(task, worker) runs once for each task in [0, n_tasks), and all are done on return. No two
  /// calls at the same time have the same worker, a number in [0, size()). Rethrows what a body
  /// threw first; throws Interrupted when the poll asked to stop, and in a child of a fork.
  template <class Body>
  void for_each(index_t n_tasks, Body&& body) {
    run({&call<Body>, const_cast<void*>(static_cast<const void*>(&body)), n_tasks, true});
  }

  /// The same without asking to stop: a weight update is finished or not begun.
  template <class Body>
  void for_each_to_the_end(index_t n_tasks, Body&& body) {
    run({&call<Body>, const_cast<void*>(static_cast<const void*>(&body)), n_tasks, false});
  }

  /// For long work of the leader between jobs: asks the poll, throws Interrupted.
  void throw_if_asked_to_stop();

  /// For run_team: what the leader does before its first job, what every helper runs until the
  /// leader ends the team.
  void begin(int size);
  void help(int worker) noexcept;
  void end() noexcept;
  Pace& pace() { return pace_; }

 private:
  struct Job {
    void (*call)(void* body, index_t task, int worker);
    void* body;
    index_t n_tasks;
    bool may_stop;
  };
  template <class Body>
  static void call(void* body, index_t task, int worker) {
    (*static_cast<std::remove_reference_t<Body>*>(body))(task, worker);
  }

  void run(const Job& job);
  void run_alone(const Job& job);
  bool rest(Clock::time_point now);
  void open(const Job& job);
  void take_tasks(int worker) noexcept;
  void close() noexcept;
  void leave() noexcept;
  std::uint64_t next_job(std::uint64_t seen, WorkTime& time) noexcept;
  void wake_helpers() noexcept;
  bool polled_stop();

  // A job's number, whether it can be joined, and how many helpers have: one word, so that a late
  // helper cannot join a job that is closed, nor read one that is being written.
  static constexpr std::uint64_t kJoined = (std::uint64_t{1} << 24) - 1;
  static constexpr std::uint64_t kOpen = std::uint64_t{1} << 24;
  static constexpr std::uint64_t kOver = std::uint64_t{1} << 25;
  static constexpr std::uint64_t kJobNumber = std::uint64_t{1} << 26;

  alignas(64) std::atomic<std::uint64_t> state_{0};
  alignas(64) std::atomic<index_t> next_task_{0};
  alignas(64) std::atomic<bool> cancelled_{false};  // the job: a body threw or the poll said stop
  Job job_{};                 // written while no job is open and nobody has joined
  std::exception_ptr error_;  // what a body threw first; guarded by mutex_ while a job runs
  std::atomic<int> sleepers_{0};
  std::atomic<bool> leader_sleeps_{false};
  std::mutex mutex_;
  std::condition_variable posted_, done_;
  std::vector<WorkTime> work_time_;  // by worker
  Placement placement_;              // of helpers: worker 1 is number 0
  // The leader's own.
  const Poll& poll_;
  int size_ = 1;
  bool place_;
  bool alone_ = false;
  Pace pace_;
  unsigned process_;  // the fork_count() of the helpers
  bool stop_ = false;
  Clock::time_point next_poll_;
};

}  // namespace aecore
