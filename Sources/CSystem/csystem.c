#define _GNU_SOURCE
#include "csystem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
  clock_gettime(ids[clock], &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int32_t cs_process_id(void) { return getpid(); }

// A hook asks for twenty variables of sixty; most differ in the first byte already.
const char *cs_variable(const char *name) {
  size_t length = strlen(name);
  for (char **next = environ; next != NULL && *next != NULL; next++) {
    const char *variable = *next;
    if (variable[0] == name[0] && strncmp(variable, name, length) == 0 && variable[length] == '=')
      return variable + length + 1;
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

size_t cs_length(const char *text) { return strlen(text); }

// Sixteen bytes that are compared at once; those that match become 255, all others 0.
typedef unsigned char block __attribute__((vector_size(16)));

static inline block loaded(const unsigned char *from) {
  block bytes;
  memcpy(&bytes, from, sizeof bytes);
  return bytes;
}

// The index of the first byte that matches, 16 for none.
static inline size_t first_match(block matches) {
  uint64_t halves[2];
  memcpy(halves, &matches, sizeof halves);
  if (halves[0] != 0) return (size_t)__builtin_ctzll(halves[0]) / 8;
  if (halves[1] != 0) return 8 + (size_t)__builtin_ctzll(halves[1]) / 8;
  return sizeof matches;
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
    if (first_match(any) < size) break;
  }
  for (; index + size <= count; index += size) {
    size_t found = first_match(either(from + index, one, other));
    if (found < size) return index + found;
  }
  while (index < count && from[index] != one && from[index] != other) index++;
  return index;
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
      if (first_match(any) == size) {
        index += 4 * size;
        continue;
      }
    }
    if (index + size <= places) {
      block here = ends_match(from + index + inner, distance, first, last);
      for (size_t found; (found = first_match(here)) < size; here[found] = 0)
        if (memcmp(from + index + found, wanted, length) == 0) return index + found;
      index += size;
    } else {
      if (from[index + inner] == first && memcmp(from + index, wanted, length) == 0) return index;
      index++;
    }
  }
  return count;
}

// Counts the matches of a block at once, and goes through those of the block that has the one wanted.
size_t cs_find_nth(const void *bytes, size_t count, uint8_t byte, size_t number) {
  const unsigned char *from = bytes;
  size_t index = 0, size = sizeof(block);
  for (; index + size <= count; index += size) {
    uint64_t halves[2];
    block here = (block)(loaded(from + index) == byte);
    memcpy(halves, &here, sizeof halves);
    size_t matches = (size_t)(__builtin_popcountll(halves[0]) + __builtin_popcountll(halves[1])) / 8;
    if (number < matches) break;
    number -= matches;
  }
  for (; index < count; index++)
    if (from[index] == byte && number-- == 0) return index;
  return count;
}

static uint64_t word(const unsigned char *from) {
  uint64_t word;
  memcpy(&word, from, sizeof word);
  return word;
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

int32_t cs_address_bytes(const char *text, int32_t is_ipv6, void *bytes) {
  return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, bytes) == 1;
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
  if (size < 0) return errno == ENODATA || errno == ENOTSUP ? 0 : -1;
  return fsetxattr(to, acl, list, (size_t)size, 0);
}
