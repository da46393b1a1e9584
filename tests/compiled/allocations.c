// Preloaded before a Python: counts every request for memory that goes through the C library, of
// all threads, and refuses chosen ones. operator new ends in malloc or aligned_alloc and is counted
// there.
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static atomic_long requests;

long count_allocations(void) { return atomic_load(&requests); }

// --- refusals ------------------------------------------------------------------------------------
// Only those of code that promises to survive them: Python and what it is made of do not.

static struct {
  uintptr_t begin, end;
} watched[8];
static int n_watched;
static atomic_bool watching;
static atomic_long seen, first_refused, last_refused;
static atomic_size_t smallest;

static int watch(struct dl_phdr_info* library, size_t size, void* names) {
  (void)size;
  const char* path = strrchr(library->dlpi_name, '/');
  for (const char** name = names; *name != NULL; ++name) {
    if (path == NULL || strstr(path, *name) == NULL) continue;
    for (int i = 0; i < library->dlpi_phnum && n_watched < 8; ++i) {
      const ElfW(Phdr)* part = &library->dlpi_phdr[i];
      if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0) continue;
      watched[n_watched].begin = library->dlpi_addr + part->p_vaddr;
      watched[n_watched].end = watched[n_watched].begin + part->p_memsz;
      ++n_watched;
    }
  }
  return 0;
}

// From here on requests of the libraries with these names (ended by NULL) for `size` bytes or more
// are numbered from 0, and those from the first to the last refused.
void watch_allocations(const char** libraries, size_t size, long first, long last) {
  n_watched = 0;
  atomic_store(&smallest, size);
  dl_iterate_phdr(watch, (void*)libraries);
  atomic_store(&seen, 0);
  atomic_store(&first_refused, first);
  atomic_store(&last_refused, last);
  atomic_store(&watching, 1);
}

// Ends that; returns how many there were.
long watched_allocations(void) {
  atomic_store(&watching, 0);
  return atomic_load(&seen);
}

static int refused(void* caller, size_t size) {
  atomic_fetch_add(&requests, 1);
  if (!atomic_load(&watching) || size < atomic_load(&smallest)) return 0;
  const uintptr_t from = (uintptr_t)caller;
  for (int i = 0; i < n_watched; ++i) {
    if (from < watched[i].begin || from >= watched[i].end) continue;
    const long number = atomic_fetch_add(&seen, 1);
    return number >= atomic_load(&first_refused) && number <= atomic_load(&last_refused);
  }
  return 0;
}

#define REFUSED(size) (refused(__builtin_return_address(0), size) && (errno = ENOMEM))

void* malloc(size_t size) { return REFUSED(size) ? NULL : __libc_malloc(size); }
void* calloc(size_t n, size_t size) { return REFUSED(n * size) ? NULL : __libc_calloc(n, size); }
void* realloc(void* old, size_t size) { return REFUSED(size) ? NULL : __libc_realloc(old, size); }
void* memalign(size_t alignment, size_t size) {
  return REFUSED(size) ? NULL : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return REFUSED(size) ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  void* found = REFUSED(size) ? NULL : __libc_memalign(alignment, size);
  if (found != NULL) *out = found;
  return found == NULL ? ENOMEM : 0;
}
