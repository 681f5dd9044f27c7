#define _GNU_SOURCE
#include "csystem.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

// musl 1.2.3 has no declaration of these.
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#endif

// The numbers that SystemError has names for.
_Static_assert(EPERM == 1 && ENOENT == 2 && EINTR == 4 && ENXIO == 6 && EINVAL == 22, "errno");
_Static_assert(EFBIG == 27 && ENOSPC == 28 && ENOSYS == 38, "errno");

int32_t cs_errno(void) { return errno; }

const char *cs_error_text(int32_t code) { return strerror(code); }

// openat, as musl's open sets O_CLOEXEC in a second call.
int32_t cs_open_file(const char *path) {
  return openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

int32_t cs_open_directory(const char *path) {
  return openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int32_t cs_open_at(int32_t directory, const char *name, enum cs_access access, uint32_t mode) {
  static const int flags[] = {
    O_RDONLY, O_WRONLY | O_APPEND, O_RDWR | O_CREAT | O_EXCL, O_WRONLY};
  return openat(directory, name, flags[access] | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
}

int32_t cs_close(int32_t file) { return close(file); }

int32_t cs_memory_file(void) { return memfd_create("openvpn-quota", MFD_CLOEXEC); }

int64_t cs_read(int32_t file, void *bytes, size_t count) { return read(file, bytes, count); }

int64_t cs_read_at(int32_t file, void *bytes, size_t count, int64_t position) {
  return pread(file, bytes, count, position);
}

int64_t cs_write(int32_t file, const void *bytes, size_t count) { return write(file, bytes, count); }

int64_t cs_seek_data(int32_t file, int64_t position) { return lseek(file, position, SEEK_DATA); }

int32_t cs_reserve(int32_t file, int64_t size) {
  return fallocate(file, FALLOC_FL_KEEP_SIZE, 0, size);
}

int32_t cs_synchronize(int32_t file, int32_t only_data) {
  return only_data ? fdatasync(file) : fsync(file);
}

int32_t cs_synchronize_file_system(int32_t file) { return syncfs(file); }

int32_t cs_empty(int32_t file) { return ftruncate(file, 0); }

int32_t cs_change_mode(int32_t file, uint32_t mode) { return fchmod(file, mode); }

static int32_t filled(int result, const struct stat *from, struct cs_status *to) {
  if (result != 0) return -1;
  *to = (struct cs_status){
      .size = from->st_size, .modified_at = from->st_mtim.tv_sec,
      .device = from->st_dev, .inode = from->st_ino, .links = from->st_nlink,
      .mode = from->st_mode, .owner = from->st_uid, .group = from->st_gid};
  return 0;
}

int32_t cs_status_of(int32_t file, struct cs_status *status) {
  struct stat found;
  return filled(fstat(file, &found), &found, status);
}

int32_t cs_status_at(int32_t directory, const char *name, struct cs_status *status) {
  struct stat found;
  return filled(fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW), &found, status);
}

int32_t cs_status_of_path(const char *path, int32_t follows_links, struct cs_status *status) {
  struct stat found;
  return filled(follows_links ? stat(path, &found) : lstat(path, &found), &found, status);
}

int32_t cs_rename_at(int32_t directory, const char *name, const char *new_name) {
  return renameat(directory, name, directory, new_name);
}

int32_t cs_exchange_at(int32_t directory, const char *name, const char *other) {
  return syscall(SYS_renameat2, directory, name, directory, other, RENAME_EXCHANGE);
}

int32_t cs_link_at(int32_t directory, const char *name, const char *new_name) {
  return linkat(directory, name, directory, new_name, 0);
}

int32_t cs_remove_at(int32_t directory, const char *name) { return unlinkat(directory, name, 0); }

int64_t cs_clock_now(enum cs_clock clock) {
  static const clockid_t ids[] = {CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC};
  struct timespec time;
#ifdef QUOTA_EMBEDDED
  // A hook asks twice. To find the kernel's own function for it, and the page faults of that, would take
  // more than the calls do: 20 faults in place of 23, and with what allocation.c saves 17 of 310 µs.
  syscall(SYS_clock_gettime, ids[clock], &time);
#else
  clock_gettime(ids[clock], &time);
#endif
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int32_t cs_process_id(void) { return getpid(); }

uint32_t cs_user_id(void) { return geteuid(); }

// A hook asks for twenty variables of sixty; most differ in the first bytes already.
const char *cs_variable(const char *name) {
  for (char **next = environ; next != NULL && *next != NULL; next++) {
    const char *variable = *next;
    size_t same = 0;
    while (name[same] != 0 && variable[same] == name[same]) same++;
    if (name[same] == 0 && variable[same] == '=') return variable + same + 1;
  }
  return NULL;
}

int32_t cs_run(char *const arguments[]) {
  pid_t child;
  int status, error = posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ);
  if (error != 0) {
    errno = error;
    return -1;
  }
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void cs_become(char *const arguments[]) { execve(arguments[0], arguments, environ); }

uint64_t cs_random(void) {
  uint64_t bits = 0;
  while (getrandom(&bits, sizeof bits, 0) != sizeof bits) {}
  return bits;
}

int32_t cs_keep_capabilities(void) { return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); }

// linux/capability.h, which musl has not: version 3 has two words of 32 capabilities.
int32_t cs_keep_network_admin(void) {
  enum { net_admin = 12 };
  struct { uint32_t version; int32_t pid; } header = {0x20080522, 0};
  struct { uint32_t effective, permitted, inheritable; } sets[2] = {
    {1u << net_admin, 1u << net_admin, 1u << net_admin}, {0, 0, 0}};
  if (syscall(SYS_capset, &header, sets) != 0) {
    // What is not there cannot be kept, and nothing else is.
    memset(sets, 0, sizeof sets);
    (void)syscall(SYS_capset, &header, sets);
    return -1;
  }
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, net_admin, 0, 0);
}

size_t cs_length(const char *text) { return strlen(text); }

// Sixteen bytes that are compared at once; those that match become 255, all others 0.
typedef unsigned char block __attribute__((vector_size(16)));

static inline block loaded(const unsigned char *from) {
  block bytes;
  memcpy(&bytes, from, sizeof bytes);
  return bytes;
}

// A bit for each byte that matches, the lowest for the first.
static inline uint32_t bits(block matches) {
#ifdef __SSE2__
  return (uint32_t)__builtin_ia32_pmovmskb128((__attribute__((vector_size(16))) char)matches);
#else
  const uint64_t ones = 0x0101010101010101, gather = 0x0102040810204080;
  uint64_t halves[2];
  memcpy(halves, &matches, sizeof halves);
  return (uint32_t)((halves[0] & ones) * gather >> 56) |
         (uint32_t)((halves[1] & ones) * gather >> 56) << 8;
#endif
}

static inline block either(const unsigned char *from, unsigned char one, unsigned char other) {
  block here = loaded(from);
  return (block)(here == one) | (block)(here == other);
}

// Four blocks a turn, as long as none of them matches.
size_t cs_find_either(const void *bytes, size_t count, uint8_t one, uint8_t other) {
  const unsigned char *from = bytes;
  size_t index = 0, size = sizeof(block);
  for (; index + 4 * size <= count; index += 4 * size) {
    const unsigned char *here = from + index;
    block any = either(here, one, other) | either(here + size, one, other) |
                either(here + 2 * size, one, other) | either(here + 3 * size, one, other);
    if (bits(any) != 0) break;
  }
  for (; index + size <= count; index += size) {
    uint32_t found = bits(either(from + index, one, other));
    if (found != 0) return index + (size_t)__builtin_ctz(found);
  }
  while (index < count && from[index] != one && from[index] != other) index++;
  return index;
}

size_t cs_find_last_either(const void *bytes, size_t count, uint8_t one, uint8_t other) {
  const unsigned char *from = bytes;
  size_t index = count, size = sizeof(block);
  for (; index >= size; index -= size) {
    uint32_t found = bits(either(from + index - size, one, other));
    if (found != 0) return index - size + (31 - (size_t)__builtin_clz(found));
  }
  while (index > 0 && from[index - 1] != one && from[index - 1] != other) index--;
  return index > 0 ? index - 1 : count;
}

// Where both the first byte stands and, at its distance, the last.
static inline block ends_match(const unsigned char *from, size_t distance, unsigned char first,
                        unsigned char last) {
  return (block)(loaded(from) == first) & (block)(loaded(from + distance) == last);
}

// Looks closer only where both ends of the text stand. The outermost bytes of what is looked for are
// tabs, which stand everywhere, so its ends are the bytes within them where it is long enough.
size_t cs_find(const void *bytes, size_t count, const void *text, size_t length) {
  const unsigned char *from = bytes, *wanted = text;
  if (count < length) return count;
  size_t inner = length > 3, distance = length - 1 - 2 * inner, size = sizeof(block);
  unsigned char first = wanted[inner], last = wanted[inner + distance];
  size_t places = count - length + 1, index = 0;
  while (index < places) {
    if (index + 4 * size <= places) {
      const unsigned char *here = from + index + inner;
      block any = ends_match(here, distance, first, last) |
                  ends_match(here + size, distance, first, last) |
                  ends_match(here + 2 * size, distance, first, last) |
                  ends_match(here + 3 * size, distance, first, last);
      if (bits(any) == 0) {
        index += 4 * size;
        continue;
      }
    }
    if (index + size <= places) {
      uint32_t here = bits(ends_match(from + index + inner, distance, first, last));
      for (; here != 0; here &= here - 1) {
        size_t found = index + (size_t)__builtin_ctz(here);
        if (memcmp(from + found, wanted, length) == 0) return found;
      }
      index += size;
    } else {
      if (from[index + inner] == first && memcmp(from + index, wanted, length) == 0) return index;
      index++;
    }
  }
  return count;
}

static uint64_t word(const unsigned char *from) {
  uint64_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

// The number that eight digits spell, the first in the lowest byte: sums of two, four, eight digits.
static int eight_digits(uint64_t text, uint64_t *number) {
  const uint64_t high = 0xF0F0F0F0F0F0F0F0, digits = 0x3030303030303030;
  if ((text & high) != digits || ((text + 0x0606060606060606) & high) != digits) return 0;
  text = (text & 0x0F0F0F0F0F0F0F0F) * (10 << 8 | 1) >> 8;
  text = (text & 0x00FF00FF00FF00FF) * (100 << 16 | 1) >> 16;
  *number = (text & 0x0000FFFF0000FFFF) * (UINT64_C(10000) << 32 | 1) >> 32;
  return 1;
}

size_t cs_number(const void *bytes, size_t count, int64_t *number) {
  const unsigned char *from = bytes;
  size_t start = count > 0 && from[0] == '-', index = start;
  uint64_t magnitude = 0, eight;
  for (; index + 8 <= count && index < start + 16 && eight_digits(le64toh(word(from + index)), &eight);
       index += 8)
    magnitude = magnitude * 100000000 + eight;
  for (; index < count && (unsigned char)(from[index] - '0') < 10; index++) {
    if (index - start == 19) return 0;
    magnitude = magnitude * 10 + (from[index] - '0');
  }
  if (index == start || magnitude > (uint64_t)INT64_MAX + start) return 0;
  *number = (int64_t)(start ? -magnitude : magnitude);
  return index;
}

int32_t cs_field_number(const void *bytes, size_t count, size_t field, int64_t *number) {
  const unsigned char *from = bytes;
  size_t index = 0, size = sizeof(block);
  for (; field > 0 && index + size <= count; index += size) {
    uint32_t tabs = bits((block)(loaded(from + index) == '\t'));
    for (; tabs != 0; tabs &= tabs - 1)
      if (--field == 0) break;
    if (field == 0) {
      index += (size_t)__builtin_ctz(tabs) + 1;
      break;
    }
  }
  for (; field > 0 && index < count; index++)
    if (from[index] == '\t') field--;
  if (field > 0) return 0;
  size_t length = cs_number(from + index, count - index, number);
  return length > 0 && (index + length == count || from[index + length] == '\t');
}

static int contains(const int64_t *numbers, size_t count, int64_t number) {
  if (count == 0 || number < numbers[0] || number > numbers[count - 1]) return 0;
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (numbers[middle] == number) return 1;
    if (numbers[middle] < number) low = middle + 1;
    else high = middle;
  }
  return 0;
}

size_t cs_find_line(const void *bytes, size_t count, size_t field, const int64_t *numbers,
                    size_t number_count, size_t *end) {
  const unsigned char *from = bytes;
  int64_t number;
  for (size_t start = 0;; start = *end + 1) {
    *end = start + cs_find_either(from + start, count - start, '\n', 0);
    if (*end == count || (cs_field_number(from + start, *end - start, field, &number) &&
                          contains(numbers, number_count, number)))
      return start;
  }
}

// Carries each bit to all others within two turns: down by the rotation, up by the product.
static uint64_t turned(uint64_t sum) { return (sum << 29 | sum >> 35) * 0x9E3779B97F4A7C15; }

// Eight bytes at a time, in four sums of their own, which the processor adds up side by side.
uint64_t cs_checksum(const void *bytes, size_t count) {
  const unsigned char *from = bytes;
  uint64_t sums[4] = {count, 1, 2, 3};
  size_t index = 0;
  for (; index + 32 <= count; index += 32)
    for (size_t lane = 0; lane < 4; lane++)
      sums[lane] = turned(sums[lane] ^ word(from + index + 8 * lane));
  uint64_t sum = 0;
  for (size_t lane = 0; lane < 4; lane++) sum = turned(turned(sum ^ sums[lane]));
  for (; index < count; index++) sum = turned(sum ^ from[index]);
  return turned(turned(sum));
}

int32_t cs_address_bytes(const void *text, size_t count, int32_t is_ipv6, void *bytes) {
  char ended[INET6_ADDRSTRLEN];
  if (count >= sizeof ended || memchr(text, 0, count) != NULL) return 0;
  memcpy(ended, text, count);
  ended[count] = 0;
  return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, ended, bytes) == 1;
}

void cs_address_text(const void *bytes, int32_t is_ipv6, char *text) {
  inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, bytes, text, INET6_ADDRSTRLEN);
}

int64_t cs_file_system_of(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (int64_t)(uint32_t)status.f_type : -1;
}

int32_t cs_copy_rights(int32_t from, int32_t to) {
  static const char acl[] = "system.posix_acl_access";
  char list[65536];
  struct stat status;
  if (fstat(from, &status) != 0 || fchown(to, status.st_uid, status.st_gid) != 0 ||
      fchmod(to, status.st_mode & 07777) != 0)
    return -1;
  ssize_t size = fgetxattr(from, acl, list, sizeof list);
  // The directory may have given the new file a list that the former one does not have.
  if (size < 0 && errno == ENODATA) return fremovexattr(to, acl) == 0 || errno == ENODATA ? 0 : -1;
  if (size < 0) return errno == ENOTSUP ? 0 : -1;
  return fsetxattr(to, acl, list, (size_t)size, 0);
}

void cs_return_blocks(size_t size) {
#ifdef __GLIBC__
  // By itself it keeps more, the larger the blocks were that were freed.
  mallopt(M_MMAP_THRESHOLD, (int)size);
#else
  (void)size;
#endif
}
