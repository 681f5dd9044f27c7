// What Swift sees of the C library in code that the hooks are built from. Only types of fixed width,
// so that one header serves glibc and musl; the bodies are compiled with the library that is linked.
// Every call fails as its C function does: -1 or NULL, and errno says why.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The C structure `stat`, as far as it is needed.
struct cs_status {
  int64_t size, modified_at;
  uint64_t device, inode, links;
  uint32_t mode, owner, group;
};

enum cs_access { CS_READ, CS_APPEND, CS_CREATE, CS_OVERWRITE };
enum cs_clock { CS_REALTIME, CS_BOOTTIME, CS_MONOTONIC };

int32_t cs_errno(void);
const char *cs_error_text(int32_t code);

// Opens a file for reading, without waiting for the other end of a pipe.
int32_t cs_open_file(const char *path);
// Opens a directory as a place to open files in.
int32_t cs_open_directory(const char *path);
// Opens a file in a directory, -100 for the working directory; never a link, never waiting. CS_CREATE
// wants it new.
int32_t cs_open_at(int32_t directory, const char *name, enum cs_access access, uint32_t mode);
int32_t cs_close(int32_t file);
// A file in memory that has no name.
int32_t cs_memory_file(void);
int64_t cs_read(int32_t file, void *bytes, size_t count);
int64_t cs_read_at(int32_t file, void *bytes, size_t count, int64_t position);
int64_t cs_write(int32_t file, const void *bytes, size_t count);
// The first position from here on that is not in a hole; -1 with ENXIO where there is none.
int64_t cs_seek_data(int32_t file, int64_t position);
// Reserves room on the disk; the size stays.
int32_t cs_reserve(int32_t file, int64_t size);
int32_t cs_synchronize(int32_t file, int32_t only_data);
// Writes out all of the file system that a file is on.
int32_t cs_synchronize_file_system(int32_t file);
int32_t cs_change_mode(int32_t file, uint32_t mode);
// Cuts a file to no bytes.
int32_t cs_empty(int32_t file);
// Gives a file the owner, the group, the mode and the access list of another one.
int32_t cs_copy_rights(int32_t from, int32_t to);

int32_t cs_status_of(int32_t file, struct cs_status *status);
int32_t cs_status_at(int32_t directory, const char *name, struct cs_status *status);
// The kind of file system that a path is on, as linux/magic.h has them.
int64_t cs_file_system_of(const char *path);
int32_t cs_status_of_path(const char *path, int32_t follows_links, struct cs_status *status);
int32_t cs_rename_at(int32_t directory, const char *name, const char *new_name);
int32_t cs_exchange_at(int32_t directory, const char *name, const char *other);
int32_t cs_link_at(int32_t directory, const char *name, const char *new_name);
int32_t cs_remove_at(int32_t directory, const char *name);

// Nanoseconds.
int64_t cs_clock_now(enum cs_clock clock);
int32_t cs_process_id(void);
// The effective user id.
uint32_t cs_user_id(void);
// The value of a variable of this process, NULL where it is not set.
const char *cs_variable(const char *name);
// Runs a program, arguments[0], and waits: its exit status, 128 plus a signal, or -1.
int32_t cs_run(char *const arguments[]);
// Becomes a program; returns only where that fails.
void cs_become(char *const arguments[]);
uint64_t cs_random(void);
// Has the allocator give blocks of so many bytes and more back to the kernel when they are freed.
void cs_return_blocks(size_t size);
// Lets root become another user and keep CAP_NET_ADMIN alone, which its children have as well: first of
// both before, then after.
int32_t cs_keep_capabilities(void);
int32_t cs_keep_network_admin(void);

// The length of a text that a zero byte ends.
size_t cs_length(const char *text);
// The index of the first byte that is one of two; `count` where there is none.
size_t cs_find_either(const void *bytes, size_t count, uint8_t one, uint8_t other);
// The index of the last byte that is one of two; `count` where there is none.
size_t cs_find_last_either(const void *bytes, size_t count, uint8_t one, uint8_t other);
// The index where a text begins first; `count` where it is not there. The text is not empty.
size_t cs_find(const void *bytes, size_t count, const void *text, size_t length);
// How many bytes a decimal number at the beginning takes, with its minus sign; 0 where there is none,
// or it has more than 19 digits or 64 bits.
size_t cs_number(const void *bytes, size_t count, int64_t *number);
// Whether a field of a line is a number: fields are separated by tabs, and the first is 0.
int32_t cs_field_number(const void *bytes, size_t count, size_t field, int64_t *number);
// The first line, ended by a line feed or a zero byte, in which a field is one of some ascending
// numbers: its beginning, and its end. Where there is none, the end is `count`, and the beginning
// that of what follows the last line.
size_t cs_find_line(const void *bytes, size_t count, size_t field, const int64_t *numbers,
                    size_t number_count, size_t *end);

// A checksum against damage.
uint64_t cs_checksum(const void *bytes, size_t count);

// An address as text in network order, 4 bytes or 16 for IPv6: 1, or 0 where it is none. And back:
// `text` has room for 46 characters.
int32_t cs_address_bytes(const void *text, size_t count, int32_t is_ipv6, void *bytes);
void cs_address_text(const void *bytes, int32_t is_ipv6, char *text);
