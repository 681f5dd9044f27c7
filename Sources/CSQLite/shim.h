#ifndef OPENVPN_QUOTA_CSQLITE_SHIM_H
#define OPENVPN_QUOTA_CSQLITE_SHIM_H

#include <sqlite3.h>

/// Keeps the last connection to close from checkpointing and deleting the write-ahead log.
/// sqlite3_db_config is variadic, which Swift cannot call.
static inline int csqlite_keep_log_on_close(sqlite3 *db) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/// Has SQLite keep no count of the memory it takes, which nobody asks for: it would take a mutex for
/// each piece. sqlite3_config is variadic, which Swift cannot call.
static inline int csqlite_keep_no_memory_statistics(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/// Binds bytes that SQLite copies; SQLITE_TRANSIENT is a cast that Swift does not import.
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, int length) {
  return sqlite3_bind_text(statement, index, text, length, SQLITE_TRANSIENT);
}

/// Binds a BLOB that SQLite copies.
static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int length) {
  return sqlite3_bind_blob(statement, index, bytes, length, SQLITE_TRANSIENT);
}

#endif
