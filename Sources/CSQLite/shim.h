#ifndef OPENVPN_QUOTA_CSQLITE_SHIM_H
#define OPENVPN_QUOTA_CSQLITE_SHIM_H

#include <sqlite3.h>

/// Keeps the last connection to close from checkpointing and deleting the write-ahead log.
/// sqlite3_db_config is variadic, which Swift cannot call.
static inline int csqlite_keep_log_on_close(sqlite3 *db) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/// Has a connection trust neither the schema nor the pages of its file, which may be a
/// backup of any origin or another program's: no trigger runs, no view is read, a function in the schema has to be
/// harmless, and nothing that is written by SQL can break the file.
/// sqlite3_db_config is variadic, which Swift cannot call.
static inline int csqlite_distrust_the_file(sqlite3 *db) {
  static const int settings[][2] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
  };
  for (int i = 0; i < 4; i++) {
    int code = sqlite3_db_config(db, settings[i][0], settings[i][1], (int *)0);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
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
