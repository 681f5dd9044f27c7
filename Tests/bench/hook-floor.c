// The least that a hook takes: opens the access table and the journal, reads a page of each, and
// appends a line. Static with musl, as the hooks are.
//
// usage: hook-floor ACCESS JOURNAL
#include <fcntl.h>
#include <unistd.h>

int main(int count, char **words) {
  static const char line[] =
      "\n1\tin\t0123456789abcdef\t320380659694720078\t1795460000\ts0\t4711\t1795466205"
      "\t1795466205000000000\t123456000000000\t10.98.0.7\t\ttun0\t192.0.2.1\t20001\tuser7\t\tuser7"
      "\t-\t-\t-\t-\t0123456789abcdef";
  char page[4096];
  if (count != 3) return 64;
  int access = open(words[1], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  int journal = open(words[2], O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
  if (pread(access, page, sizeof page, 0) < 0 || pread(journal, page, sizeof page, 0) < 0) return 74;
  return write(journal, line, sizeof line - 1) == sizeof line - 1 ? 0 : 74;
}
