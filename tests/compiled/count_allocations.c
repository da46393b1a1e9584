// Preloaded before a Python: counts every request for memory that goes through the C library, of
// all threads. operator new ends in malloc or aligned_alloc and is counted there.
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static atomic_long requests;

long count_allocations(void) { return atomic_load(&requests); }

void* malloc(size_t size) {
  atomic_fetch_add(&requests, 1);
  return __libc_malloc(size);
}
void* calloc(size_t n, size_t size) {
  atomic_fetch_add(&requests, 1);
  return __libc_calloc(n, size);
}
void* realloc(void* old, size_t size) {
  atomic_fetch_add(&requests, 1);
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  atomic_fetch_add(&requests, 1);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out == NULL ? ENOMEM : 0;
}
