// The memory of a hook, which lives for a fraction of a millisecond and allocates a few kilobytes:
// musl's allocator would ask the kernel a dozen times for them.
//
// Blocks have four sizes in each doubling, so that one for a page takes little more than a page: each
// page that is touched costs a page fault. A head before a block says its size, and a free block waits
// in the list of its size for the next who wants one. Only the first thread may call these, and a hook
// has no other.
#ifdef QUOTA_EMBEDDED
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

union head {
  size_t size_class;   // of a block in use
  union head *next;    // of a free one
  _Alignas(16) unsigned char room[16];
};

// 2^20 bytes are the least that the kernel is asked for, once these are used up.
static _Alignas(16) unsigned char own[64 << 10];
static unsigned char *unused = own, *end = own + sizeof own;
static union head *free_blocks[4 * 48];

static union head *fresh(size_t size) {
  if ((size_t)(end - unused) < size) {
    size_t asked = size > 1 << 20 ? size : 1 << 20;
    void *more = mmap(NULL, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) return NULL;
    unused = more;
    end = unused + asked;
  }
  union head *block = (union head *)unused;
  unused += size;
  return block;
}

static size_t block_size(size_t size_class) {
  return (4 + (size_class & 3)) << (size_class >> 2);
}

// The least class whose blocks have a size. All are multiples of 16 bytes, from 32 on.
static size_t class_of(size_t size) {
  size = size > 32 ? (size + 15) & ~(size_t)15 : 32;
  size_t doublings = 61 - (size_t)__builtin_clzl(size - 1);
  return (doublings << 2) + ((size - 1) >> doublings) - 3;
}

void *malloc(size_t size) {
  if (size > (size_t)1 << 46) {
    errno = ENOMEM;
    return NULL;
  }
  size_t size_class = class_of(size + sizeof(union head));
  union head *block = free_blocks[size_class];
  if (block != NULL) {
    free_blocks[size_class] = block->next;
  } else if ((block = fresh(block_size(size_class))) == NULL) {
    errno = ENOMEM;
    return NULL;
  }
  block->size_class = size_class;
  return block + 1;
}

void free(void *memory) {
  if (memory == NULL) return;
  union head *block = (union head *)memory - 1;
  size_t size_class = block->size_class;
  block->next = free_blocks[size_class];
  free_blocks[size_class] = block;
}

size_t malloc_usable_size(void *memory) {
  return memory ? block_size(((union head *)memory - 1)->size_class) - sizeof(union head) : 0;
}

void *calloc(size_t count, size_t size) {
  size_t all;
  if (__builtin_mul_overflow(count, size, &all)) {
    errno = ENOMEM;
    return NULL;
  }
  void *memory = malloc(all);
  return memory ? memset(memory, 0, all) : NULL;
}

void *realloc(void *memory, size_t size) {
  size_t before = malloc_usable_size(memory);
  if (memory != NULL && size <= before) return memory;
  void *more = malloc(size);
  if (more == NULL || memory == NULL) return more;
  memcpy(more, memory, before);
  free(memory);
  return more;
}

// What Swift asks for is aligned to 16 bytes, as each block is.
int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment > 16) return ENOMEM;
  *memory = malloc(size);
  return *memory ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size) { return alignment > 16 ? NULL : malloc(size); }
#endif
