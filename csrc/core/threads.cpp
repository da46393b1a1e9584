#include "core/threads.hpp"

#include <system_error>
#include <thread>
#include <vector>

#include "core/errors.hpp"
#include "core/float_mode.hpp"

#if AECORE_OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#include <pthread.h>
#endif

namespace aecore {

namespace {

// 2,000 pauses of a Zen core. A pause lasts 140 cycles on others, so time is what is bounded.
constexpr auto kSpin = std::chrono::microseconds(30);
constexpr auto kPollInterval = std::chrono::milliseconds(25);

struct TeamAborted {};  // unwinds the other workers after one has thrown; never leaves this file

std::atomic<bool> shortage{false};

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void abort_team(Team& team, std::exception_ptr error) {
  {
    const std::lock_guard<std::mutex> lock(team.mutex);
    if (!team.error) team.error = std::move(error);
    team.aborted.store(true);
  }
  team.wake.notify_all();
}

void run_worker(Team& team, int id, int size, const std::function<void(Worker&)>& body) noexcept {
  const FloatMode mode(FloatMode::flush_to_zero);
  try {
    Worker worker(team, id, size);
    body(worker);
  } catch (const TeamAborted&) {
    // The worker that threw has stored its exception.
  } catch (...) {
    abort_team(team, std::current_exception());
  }
}

/// Whether the system gives us n_threads - 1 more threads just now. Asked when this thread wants a
/// larger team than it had before: libgomp calls exit(1) where a creation fails.
bool can_create_threads(int n_threads) {
  static thread_local int known_good = 1;
  if (n_threads <= known_good) return true;
  std::mutex gate;
  std::vector<std::thread> threads;
  bool created = true;
  {
    const std::lock_guard<std::mutex> hold(gate);  // all must exist at the same time
    try {
      threads.reserve(static_cast<std::size_t>(n_threads - 1));
      for (int i = 1; i < n_threads; ++i) {
        threads.emplace_back([&gate] { const std::lock_guard<std::mutex> wait(gate); });
      }
    } catch (const std::system_error&) {
      created = false;
    }
  }
  for (std::thread& thread : threads) thread.join();
  if (created) known_good = n_threads;
  return created;
}

#if AECORE_OPENMP
void run_workers(Team& team, int n_threads, const std::function<void(Worker&)>& body) {
#pragma omp parallel num_threads(n_threads)
  run_worker(team, omp_get_thread_num(), omp_get_num_threads(), body);
}
#else
void run_workers(Team& team, int n_threads, const std::function<void(Worker&)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(n_threads - 1));
  for (int id = 1; id < n_threads; ++id) {
    threads.emplace_back([&team, id, n_threads, &body] { run_worker(team, id, n_threads, body); });
  }
  run_worker(team, 0, n_threads, body);
  for (std::thread& thread : threads) thread.join();
}
#endif

}  // namespace

Worker::Worker(Team& team, int id, int size)
    : team_(team),
      id_(id),
      size_(size),
      next_poll_(std::chrono::steady_clock::now() + kPollInterval) {}

void Worker::barrier() {
  if (size_ == 1) return;
  Team& team = team_;
  const unsigned generation = team.generation.load(std::memory_order_relaxed);
  if (team.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
    team.arrived.store(0, std::memory_order_relaxed);
    team.next_task.store(0, std::memory_order_relaxed);
    team.generation.store(generation + 1);  // seq_cst: ordered before the look at `sleepers`
    if (team.sleepers.load() > 0) {
      {
        const std::lock_guard<std::mutex> lock(team.mutex);
      }
      team.wake.notify_all();
    }
    return;
  }
  const auto passed = [&] { return team.generation.load() != generation || team.aborted.load(); };
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  while (!passed()) {
    for (int i = 0; i < 16 && !passed(); ++i) pause_cpu();
    if (std::chrono::steady_clock::now() >= deadline) {
      std::unique_lock<std::mutex> lock(team.mutex);
      team.sleepers.fetch_add(1);
      team.wake.wait(lock, passed);
      team.sleepers.fetch_sub(1);
    }
  }
  if (team.generation.load() == generation) throw TeamAborted{};
}

bool Worker::polled_stop() {
  if (team_.stop.load(std::memory_order_relaxed)) return true;
  if (!team_.poll) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_poll_) return false;
  next_poll_ = now + kPollInterval;
  const FloatMode callers_mode(FloatMode::keep_subnormals);  // the poll may run anything
  if (team_.poll()) team_.stop.store(true, std::memory_order_relaxed);
  return team_.stop.load(std::memory_order_relaxed);
}

void Worker::throw_if_stopped() const {
  if (team_.stop.load(std::memory_order_relaxed)) throw Interrupted{};
}

void run_team(int n_threads, const Poll& poll, const std::function<void(Worker&)>& body) {
  Team team(poll);
  if (n_threads > 1 && !can_create_threads(n_threads)) {
    shortage.store(true);
    n_threads = 1;
  }
  if (n_threads <= 1) {
    run_worker(team, 0, 1, body);
  } else {
    run_workers(team, n_threads, body);
  }
  if (team.error) std::rethrow_exception(team.error);
}

bool thread_shortage() { return shortage.exchange(false); }

#if AECORE_OPENMP
const char* threading_backend() { return "openmp"; }
int backend_max_threads() { return omp_get_max_threads(); }

void install_fork_handler() {
#if defined(__unix__) || defined(__APPLE__)
  // Looked up at run time: libgomp before GCC 9 lacks it, and a child of a fork then hangs in its
  // first region as it does under every other OpenMP library.
  static const bool installed = [] {
    using PauseAll = int (*)(int);
    static const auto pause_all =
        reinterpret_cast<PauseAll>(dlsym(RTLD_DEFAULT, "omp_pause_resource_all"));
    if (pause_all != nullptr) {
      constexpr int kSoft = 1;  // omp_pause_soft
      pthread_atfork(
          [] {
            if (!omp_in_parallel()) pause_all(kSoft);
          },
          nullptr, nullptr);
    }
    return true;
  }();
  static_cast<void>(installed);
#endif
}
#else
const char* threading_backend() { return "std::thread"; }
int backend_max_threads() {
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? static_cast<int>(n) : 1;
}
void install_fork_handler() {}
#endif

}  // namespace aecore
