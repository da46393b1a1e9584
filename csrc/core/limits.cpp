#include "core/limits.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "core/threads.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

namespace aecore {

namespace {

constexpr int kUnlimited = std::numeric_limits<int>::max();

int affinity_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return kUnlimited;  // more than 1024 processors, or no affinity on this system
}

int quota_from(double quota, double period) {
  if (quota <= 0 || period <= 0) return kUnlimited;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

int quota_v2(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max") return kUnlimited;
  return quota_from(std::strtod(quota.c_str(), nullptr), period);
}

int quota_v1(const std::string& directory) {
  double quota = -1;
  double period = 0;
  std::ifstream(directory + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(directory + "/cpu.cfs_period_us") >> period;
  return quota_from(quota, period);
}

/// Smallest quota on the way from our cgroup up to the root: any level may limit us.
template <class Read>
int smallest_on_path(const std::string& root, std::string path, Read read) {
  int smallest = read(root);
  while (!path.empty() && path != "/") {
    smallest = std::min(smallest, read(root + path));
    path.erase(path.find_last_of('/'));
  }
  return smallest;
}

int read_cgroup_quota() {
  int smallest = kUnlimited;
#if defined(__linux__)
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {  // "id:controllers:path"; version 2 has no controllers
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      smallest = std::min(smallest, smallest_on_path("/sys/fs/cgroup", path, quota_v2));
    } else if (controllers.find(",cpu,") != std::string::npos) {
      smallest = std::min(smallest, smallest_on_path("/sys/fs/cgroup/cpu", path, quota_v1));
    }
  }
#endif
  return smallest;
}

}  // namespace

int default_n_threads() {
  // Quotas change with the container, not within it: read once (about 50 us of file access).
  static const int quota = read_cgroup_quota();
  return std::max(1, std::min({backend_max_threads(), affinity_count(), quota}));
}

}  // namespace aecore
