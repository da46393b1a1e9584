// How many threads this process may use.
#pragma once

namespace aecore {

/// What `n_threads=None` means now: the smallest of OpenMP's maximum in the calling thread, the CPU
/// affinity mask and the cgroup CPU quota (rounded up); at least 1.
int default_n_threads();

}  // namespace aecore
