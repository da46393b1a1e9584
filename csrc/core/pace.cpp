#include "core/pace.hpp"

#include <algorithm>

#if defined(__linux__)
#include <pthread.h>
#include <time.h>
#endif

namespace aecore {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A team is judged after this much time in its jobs. A time slice of the system is 3-4 ms.
constexpr Clock::duration kWindow = milliseconds(8);
// Seconds of work per second below which the helpers rest; two free cores give 1.8 to 2.
constexpr double kWorthwhile = 1.1;
// The pause doubles up to this while the team stays slow: a try costs some milliseconds.
constexpr Clock::duration kLongestPause = milliseconds(800);
// Long tasks make long tries, of which half the time may be lost: 5 % in the long run.
constexpr int kPausePerTry = 8;
// The clocks are looked at so often, for each worker: 0.2 % of the leader's time.
constexpr Clock::duration kLookInterval = microseconds(250);
// What the leader does between jobs for longer than this (callbacks, shuffling) is left out.
constexpr Clock::duration kLongGap = microseconds(50);

Nanoseconds sum(const std::vector<WorkTime>& workers) {
  Nanoseconds total = 0;
  for (const WorkTime& worker : workers) total += worker.read();
  return total;
}

#if defined(__linux__)
Nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return Nanoseconds{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}
#endif

}  // namespace

#if defined(__linux__)
void WorkTime::begin() {
  clockid_t clock = 0;
  if (pthread_getcpuclockid(pthread_self(), &clock) != 0) return;
  start_ = read_clock(clock);
  clock_.store(clock, std::memory_order_release);
}

Nanoseconds WorkTime::read() const {
  const int clock = clock_.load(std::memory_order_acquire);
  if (clock == 0) return 0;
  return read_clock(clock) - start_ - waited_.load(std::memory_order_relaxed);
}

void Pace::begin_job(Clock::time_point now, const std::vector<WorkTime>& workers) {
  if (now - last_job_ <= kLongGap) return;
  looked_ = now;
  work_then_ = sum(workers);
}

void Pace::end_job(Clock::time_point now, const std::vector<WorkTime>& workers) {
  last_job_ = now;
  if (now - looked_ >= kLookInterval * static_cast<int>(workers.size())) take_in(now, workers);
}

void Pace::end_team(Clock::time_point now, const std::vector<WorkTime>& workers) {
  if (now - last_job_ <= kLongGap) take_in(now, workers);
  last_job_ = {};
}
#else
void WorkTime::begin() {}
Nanoseconds WorkTime::read() const { return 0; }
void Pace::begin_job(Clock::time_point, const std::vector<WorkTime>&) {}
void Pace::end_job(Clock::time_point, const std::vector<WorkTime>&) {}
void Pace::end_team(Clock::time_point, const std::vector<WorkTime>&) {}
#endif

void Pace::take_in(Clock::time_point now, const std::vector<WorkTime>& workers) {
  const Nanoseconds work = sum(workers);
  wall_ += now - looked_;
  work_ += work - work_then_;
  looked_ = now;
  work_then_ = work;
  if (wall_ < kWindow) return;
  const double seconds = std::chrono::duration<double>(wall_).count();
  if (1e-9 * static_cast<double>(work_) < kWorthwhile * seconds) {
    const Clock::duration pause = std::max(next_pause_, kPausePerTry * wall_);
    alone_until_ = now + pause;
    next_pause_ = std::min(2 * pause, kLongestPause);
    last_job_ = {};
  } else {
    next_pause_ = std::max(next_pause_ / 2, kShortestPause);
  }
  wall_ = {};
  work_ = 0;
}

}  // namespace aecore
