// Whether a team is worth having just now. Beside a busy process a helper loses its core for
// milliseconds in the middle of a task, and everybody waits for it: two workers are then slower
// than one. What tells is the processor time that the team gets for its work: below one second per
// second one worker alone does as much. Linux only; elsewhere a team always counts as worth it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace aecore {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::int64_t;

/// Processor time that one worker has spent on the work of its team.
class alignas(64) WorkTime {
 public:
  /// By the worker itself, before it works; counts from here.
  void begin();
  /// By the worker: waited this long without sleeping, which is no work.
  void waited(Nanoseconds time) { waited_.fetch_add(time, std::memory_order_relaxed); }
  /// By anybody while the worker lives; 0 before it has begun.
  Nanoseconds read() const;

 private:
  std::atomic<int> clock_{0};  // the thread's processor clock; 0: not begun
  Nanoseconds start_ = 0;
  std::atomic<Nanoseconds> waited_{0};
};

class Pace {
 public:
  /// Whether the leader should do without its helpers.
  bool alone(Clock::time_point now) const { return now < alone_until_; }

  /// The leader calls these around each job of the team.
  void begin_job(Clock::time_point now, const std::vector<WorkTime>& workers);
  void end_job(Clock::time_point now, const std::vector<WorkTime>& workers);

  /// Time that was lost to making the team and taking it apart.
  void add_overhead(Clock::duration time) { wall_ += time; }
  /// Called when the team has ended.
  void end_team(Clock::time_point now, const std::vector<WorkTime>& workers);

 private:
  void take_in(Clock::time_point now, const std::vector<WorkTime>& workers);

  // Since the last judgement.
  Clock::duration wall_{0};
  Nanoseconds work_ = 0;
  // Since the last look at the clocks, which cost half a microsecond each.
  Clock::time_point looked_{};
  Nanoseconds work_then_ = 0;
  Clock::time_point last_job_{};

  Clock::time_point alone_until_{};
  Clock::duration next_pause_ = kShortestPause;
  static constexpr Clock::duration kShortestPause = std::chrono::milliseconds(50);
};

}  // namespace aecore
