#include "core/forks.hpp"

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace aecore {

namespace {
std::atomic<unsigned> forks{0};
}  // namespace

void count_forks() {
#if defined(__unix__) || defined(__APPLE__)
  static const int installed =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(installed);
#endif
}

unsigned fork_count() { return forks.load(std::memory_order_relaxed); }

}  // namespace aecore
