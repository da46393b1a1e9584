#include "core/team.hpp"

#include <algorithm>
#include <utility>

#include "core/errors.hpp"
#include "core/float_mode.hpp"
#include "core/forks.hpp"

namespace aecore {

namespace {

// 2,000 pauses of a Zen core. A pause lasts 140 cycles on others, so time is what is bounded.
constexpr auto kSpin = std::chrono::microseconds(30);
constexpr auto kPollInterval = std::chrono::milliseconds(25);

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits for a condition without sleeping, up to kSpin; whether it came true.
template <class Condition>
bool spin_until(const Condition& condition, WorkTime& time) {
  if (condition()) return true;
  const auto start = Clock::now();
  Clock::duration spent{};
  bool came = false;
  do {
    for (int i = 0; i < 16 && !came; ++i) {
      pause_cpu();
      came = condition();
    }
    spent = Clock::now() - start;
  } while (!came && spent < kSpin);
  time.waited(std::min<Clock::duration>(spent, kSpin).count());
  return came;
}

}  // namespace

Team::Team(const Poll& poll, int max_size, bool place, const Pace& pace)
    : work_time_(static_cast<std::size_t>(max_size)),
      placement_(max_size - 1),
      poll_(poll),
      place_(place),
      pace_(pace),
      process_(fork_count()),
      next_poll_(Clock::now() + kPollInterval) {
  if (place && max_size > 1) placement_.choose();
}

void Team::begin(int size) {
  size_ = size;
  if (size > 1) work_time_[0].begin();
}

void Team::run(const Job& job) {
  if (fork_count() != process_) throw Interrupted{};
  if (size_ == 1 || job.n_tasks <= 1) {
    run_alone(job);
  } else if (const auto now = Clock::now(); rest(now)) {
    run_alone(job);
  } else {
    pace_.begin_job(now, work_time_);
    open(job);
    take_tasks(0);
    close();
    pace_.end_job(Clock::now(), work_time_);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }
  if (job.may_stop && stop_) throw Interrupted{};
}

void Team::run_alone(const Job& job) {
  for (index_t task = 0; task < job.n_tasks; ++task) {
    if (job.may_stop && polled_stop()) return;
    job.call(job.body, task, 0);
  }
}

/// Whether the helpers sleep through this job. When they come back, the leader may have moved.
bool Team::rest(Clock::time_point now) {
  const bool was_alone = std::exchange(alone_, pace_.alone(now));
  if (was_alone && !alone_ && place_) placement_.choose();
  return alone_;
}

void Team::open(const Job& job) {
  job_ = job;
  next_task_.store(0, std::memory_order_relaxed);
  cancelled_.store(false, std::memory_order_relaxed);
  const std::uint64_t number = state_.load(std::memory_order_relaxed) / kJobNumber;
  state_.store((number + 1) * kJobNumber | kOpen);  // seq_cst: ordered before the look at sleepers_
  wake_helpers();
}

void Team::take_tasks(int worker) noexcept {
  const Job job = job_;
  try {
    while (!cancelled_.load(std::memory_order_relaxed)) {
      if (worker == 0 && job.may_stop && polled_stop()) break;
      const index_t task = next_task_.fetch_add(1, std::memory_order_relaxed);
      if (task >= job.n_tasks) return;
      job.call(job.body, task, worker);
    }
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
  cancelled_.store(true, std::memory_order_relaxed);
}

void Team::close() noexcept {
  const auto all_left = [&] { return (state_.load() & kJoined) == 0; };
  if ((state_.fetch_and(~kOpen) & kJoined) == 0 || spin_until(all_left, work_time_[0])) return;
  const auto forked = [&] { return fork_count() != process_; };  // by the poll: nobody will leave
  if (forked()) return;
  std::unique_lock<std::mutex> lock(mutex_);
  leader_sleeps_.store(true);
  while (!done_.wait_for(lock, kPollInterval, all_left)) {
    if (!job_.may_stop) continue;
    lock.unlock();
    if (polled_stop()) cancelled_.store(true, std::memory_order_relaxed);
    if (forked()) return;
    lock.lock();
  }
  leader_sleeps_.store(false);
}

void Team::leave() noexcept {
  const std::uint64_t state = state_.fetch_sub(1) - 1;
  if ((state & (kJoined | kOpen)) != 0 || !leader_sleeps_.load()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
  }
  done_.notify_one();
}

void Team::help(int worker) noexcept {
  const FloatMode mode(FloatMode::flush_to_zero);
  Placed placed;
  WorkTime& time = work_time_[static_cast<std::size_t>(worker)];
  placed.stay_on(placement_.core(worker - 1));
  time.begin();
  std::uint64_t seen = 0;
  for (;;) {
    std::uint64_t state = next_job(seen, time);
    if ((state & kOver) != 0) return;
    placed.stay_on(placement_.core(worker - 1));
    seen = state / kJobNumber;
    while ((state & kOpen) != 0 && state / kJobNumber == seen) {
      if (!state_.compare_exchange_weak(state, state + 1)) continue;
      take_tasks(worker);
      leave();
      break;
    }
  }
}

/// The state when there is a job that can be joined and has another number than `seen`, or when the
/// team is over.
std::uint64_t Team::next_job(std::uint64_t seen, WorkTime& time) noexcept {
  std::uint64_t state = 0;
  const auto come = [&] {
    state = state_.load();
    return (state & kOver) != 0 || ((state & kOpen) != 0 && state / kJobNumber != seen);
  };
  if (spin_until(come, time)) return state;
  std::unique_lock<std::mutex> lock(mutex_);
  sleepers_.fetch_add(1);
  posted_.wait(lock, come);
  sleepers_.fetch_sub(1);
  return state;
}

void Team::wake_helpers() noexcept {
  if (sleepers_.load() == 0) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
  }
  posted_.notify_all();
}

void Team::end() noexcept {
  if (size_ > 1 && !alone_) pace_.end_team(Clock::now(), work_time_);
  state_.fetch_or(kOver);
  wake_helpers();
}

bool Team::polled_stop() {
  if (stop_) return true;
  if (!poll_) return false;
  const auto now = Clock::now();
  if (now < next_poll_) return false;
  next_poll_ = now + kPollInterval;
  const FloatMode callers_mode(FloatMode::keep_subnormals);  // the poll may run anything
  stop_ = poll_();
  return stop_;
}

void Team::throw_if_asked_to_stop() {
  if (polled_stop()) throw Interrupted{};
}

}  // namespace aecore
