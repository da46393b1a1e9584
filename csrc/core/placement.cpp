#include "core/placement.hpp"

#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <vector>
#endif

namespace aecore {

namespace {

bool& wanted() {
  static thread_local bool value = true;
  return value;
}

}  // namespace

void obey_placement_variable() {
  const char* const value = std::getenv("AECORE_PLACEMENT");
  wanted() = value == nullptr || std::strcmp(value, "0") != 0;
}

Placement::Placement(int n_helpers)
    : n_helpers_(n_helpers), cores_(new std::atomic<int>[static_cast<std::size_t>(n_helpers)]) {
  for (int i = 0; i < n_helpers; ++i) cores_[i].store(-1, std::memory_order_relaxed);
}

Placement::~Placement() { release(); }

#if defined(__linux__)

namespace {

/// Helpers that are placed on each processor, of all teams of this process. Without a lock, which a
/// fork could leave locked for ever: two teams that choose at once may choose the same.
std::atomic<int> helpers_on[CPU_SETSIZE] = {};

/// Names the physical core of a processor: its first hardware thread.
int physical_core(int processor) {
  static const std::vector<int> firsts = [] {
    std::vector<int> found;
    for (int p = 0; p < std::min(CPU_SETSIZE, static_cast<int>(sysconf(_SC_NPROCESSORS_CONF)));
         ++p) {
      int first = p;
      std::ifstream("/sys/devices/system/cpu/cpu" + std::to_string(p) +
                    "/topology/thread_siblings_list") >>
          first;
      found.push_back(first >= 0 && first < CPU_SETSIZE ? first : p);
    }
    return found;
  }();
  const auto p = static_cast<std::size_t>(processor);
  return p < firsts.size() ? firsts[p] : processor;
}

}  // namespace

void Placement::choose() {
  cpu_set_t free;
  const int here = sched_getcpu();
  if (!wanted() || here < 0 || here >= CPU_SETSIZE) return;
  if (sched_getaffinity(0, sizeof free, &free) != 0 || CPU_COUNT(&free) < n_helpers_ + 1) return;
  std::array<int, CPU_SETSIZE> workers{};  // of this team, by physical core
  std::array<bool, CPU_SETSIZE> avoided{};
  for (int i = 0; i < n_helpers_; ++i) {
    if (core(i) >= 0) avoided[static_cast<std::size_t>(core(i))] = true;
  }
  release();
  const auto take = [&](int p) {
    CPU_CLR(static_cast<unsigned>(p), &free);
    ++workers[static_cast<std::size_t>(physical_core(p))];
  };
  take(here);
  for (int i = 0; i < n_helpers_; ++i) {
    int best = -1;
    int least = 0;
    for (int step = 1; step < CPU_SETSIZE; ++step) {  // from the next one on: processes spread
      const int p = (here + step) % CPU_SETSIZE;
      if (!CPU_ISSET(static_cast<unsigned>(p), &free)) continue;
      const int cost = 4 * workers[static_cast<std::size_t>(physical_core(p))] +
                       2 * helpers_on[p].load() + (avoided[static_cast<std::size_t>(p)] ? 1 : 0);
      if (best >= 0 && cost >= least) continue;
      best = p;
      least = cost;
    }
    if (best < 0) return;
    take(best);
    ++helpers_on[best];
    cores_[i].store(best, std::memory_order_relaxed);
  }
}

void Placement::release() {
  for (int i = 0; i < n_helpers_; ++i) {
    const int p = cores_[i].exchange(-1, std::memory_order_relaxed);
    if (p >= 0) --helpers_on[p];
  }
}

void Placed::stay_on(int core) {
  if (core == core_ || core < 0) return;
  if (core_ < 0 && sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(core), &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) core_ = core;
}

Placed::~Placed() {
  if (core_ < 0) return;
  cpu_set_t now;
  // Somebody who has moved this thread meanwhile meant it.
  if (sched_getaffinity(0, sizeof now, &now) != 0 || CPU_COUNT(&now) != 1 ||
      !CPU_ISSET(static_cast<unsigned>(core_), &now)) {
    return;
  }
  sched_setaffinity(0, sizeof before_, &before_);
}

#else

void Placement::choose() {}
void Placement::release() {}
void Placed::stay_on(int) {}
Placed::~Placed() = default;

#endif

}  // namespace aecore
