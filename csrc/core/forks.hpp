// Which process this is: a fork copies memory and one thread, but none of the others.
#pragma once

namespace aecore {

/// Begins to count; idempotent.
void count_forks();

/// How many forks lie between this process and the one that called count_forks(). Where it changes
/// during a call, the caller goes on in a child, and the helpers of its teams do not.
unsigned fork_count();

}  // namespace aecore
