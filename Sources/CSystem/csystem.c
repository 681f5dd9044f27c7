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

int32_t cs_open_file(const char *path) { return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); }

int32_t cs_open_directory(const char *path) {
  return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int32_t cs_open_at(int32_t directory, const char *name, enum cs_access access, uint32_t mode) {
  static const int flags[] = {O_RDONLY, O_WRONLY | O_APPEND, O_RDWR | O_CREAT | O_EXCL};
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

const char *cs_variable(const char *name) { return getenv(name); }

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

// Sixteen bytes that are compared at once.
typedef unsigned char block __attribute__((vector_size(16)));

static block loaded(const unsigned char *from) {
  block bytes;
  memcpy(&bytes, from, sizeof bytes);
  return bytes;
}

static int has_any(block matches) {
  uint64_t halves[2];
  memcpy(halves, &matches, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

size_t cs_find_either(const void *bytes, size_t count, uint8_t one, uint8_t other) {
  const unsigned char *from = bytes;
  size_t index = 0;
  for (; index + sizeof(block) <= count; index += sizeof(block)) {
    block here = loaded(from + index);
    if (has_any((block)(here == one) | (block)(here == other))) break;
  }
  while (index < count && from[index] != one && from[index] != other) index++;
  return index;
}

// Looks at the places only where both the first and the last byte of the text stand.
size_t cs_find(const void *bytes, size_t count, const void *text, size_t length) {
  const unsigned char *from = bytes, *wanted = text;
  if (count < length) return count;
  unsigned char first = wanted[0], last = wanted[length - 1];
  size_t places = count - length + 1, index = 0;
  while (index < places) {
    if (index + sizeof(block) <= places) {
      block starts = (block)(loaded(from + index) == first);
      block ends = (block)(loaded(from + index + length - 1) == last);
      if (!has_any(starts & ends)) { index += sizeof(block); continue; }
    }
    size_t end = index + sizeof(block) < places ? index + sizeof(block) : places;
    for (; index < end; index++)
      if (from[index] == first && memcmp(from + index, wanted, length) == 0) return index;
  }
  return count;
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
