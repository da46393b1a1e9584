#include "core/threads.hpp"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/float_mode.hpp"
#include "core/forks.hpp"

#if AECORE_OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#include <pthread.h>
#endif

namespace aecore {

namespace {

std::atomic<bool> shortage{false};

/// What a thread remembers of its calls. A team whose helpers would rest is not made for a brief
/// call: helpers that have lost their core keep the caller waiting at its end.
struct Habit {
  Pace pace;
  bool brief_calls = false;
};
constexpr auto kBriefCall = std::chrono::milliseconds(20);

/// Runs lead(size) on the calling thread and help(worker) on up to n_threads - 1 new ones.
template <class Lead, class Help>
void run_on_new_threads(int n_threads, const Lead& lead, const Help& help) {
  auto threads = std::make_unique<std::vector<std::thread>>();
  const unsigned process = fork_count();
  try {
    threads->reserve(static_cast<std::size_t>(n_threads - 1));
    for (int worker = 1; worker < n_threads; ++worker) threads->emplace_back(help, worker);
  } catch (const std::exception&) {  // no thread, or no memory for one: those that run go on
    shortage.store(true);
  }
  lead(static_cast<int>(threads->size()) + 1);
  if (fork_count() != process) {
    static_cast<void>(threads.release());  // the parent's: not to be joined, nor left joinable
    return;
  }
  for (std::thread& thread : *threads) thread.join();
}

#if AECORE_OPENMP
/// Whether the user has OpenMP bind its threads (OMP_PROC_BIND, OMP_PLACES). New threads would then
/// inherit the one core that it gave to the caller.
bool threads_are_bound() { return omp_get_proc_bind() != omp_proc_bind_false; }

/// Whether the system gives us n_threads - 1 more threads just now. Asked when this thread wants a
/// larger team than it had before: libgomp calls exit(1) where a creation fails.
bool openmp_can_create_threads(int n_threads) {
  static thread_local int known_good = 1;
  if (n_threads <= known_good) return true;
  int size = 0;
  std::mutex gate;
  gate.lock();  // all must exist at the same time
  run_on_new_threads(
      n_threads,
      [&](int created) {
        size = created;
        gate.unlock();
      },
      [&gate](int) { const std::lock_guard<std::mutex> wait(gate); });
  if (size == n_threads) known_good = n_threads;
  return size == n_threads;
}

template <class Lead, class Help>
void run_workers(int n_threads, const Lead& lead, const Help& help) {
  if (!threads_are_bound()) {
    run_on_new_threads(n_threads, lead, help);
  } else if (openmp_can_create_threads(n_threads)) {
#pragma omp parallel num_threads(n_threads)
    if (const int worker = omp_get_thread_num(); worker == 0) {
      const unsigned process = fork_count();
      lead(omp_get_num_threads());
      if (fork_count() != process) std::_Exit(EXIT_FAILURE);
    } else {
      help(worker);
    }
  } else {
    lead(1);
  }
}
#else
bool threads_are_bound() { return false; }

template <class Lead, class Help>
void run_workers(int n_threads, const Lead& lead, const Help& help) {
  run_on_new_threads(n_threads, lead, help);
}
#endif

}  // namespace

void run_team(int n_threads, const Poll& poll, const std::function<void(Team&)>& body) {
  static thread_local Habit habit;
  const auto start = Clock::now();
  if (habit.brief_calls && habit.pace.alone(start)) n_threads = 1;
  auto owned = std::make_unique<Team>(poll, n_threads, !threads_are_bound(), habit.pace);
  Team& team = *owned;
  const unsigned process = fork_count();
  std::exception_ptr error;  // nothing may leave a parallel region
  Clock::time_point end;
  const auto lead = [&](int size) noexcept {
    const FloatMode mode(FloatMode::flush_to_zero);
    team.begin(size);
    team.pace().add_overhead(Clock::now() - start);
    try {
      body(team);
    } catch (...) {
      error = std::current_exception();
    }
    if (fork_count() == process) team.end();
    end = Clock::now();
  };
  if (n_threads <= 1) {
    lead(1);
  } else {
    run_workers(n_threads, lead, [&](int worker) { team.help(worker); });
    team.pace().add_overhead(Clock::now() - end);
    habit.pace = team.pace();
  }
  // The helpers that it waits for are the parent's.
  if (fork_count() != process) static_cast<void>(owned.release());
  habit.brief_calls = end - start < kBriefCall;
  if (error) std::rethrow_exception(error);
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
