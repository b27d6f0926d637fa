#pragma once
#include <sqlite3.h>

/// sqlite3_db_config for the options that are switched on or off; Swift cannot call a variadic function.
static inline int keyward_sqlite_switch(sqlite3 *database, int option, int on) {
  return sqlite3_db_config(database, option, on, (int *)0);
}

/// Binds text and copies it; Swift cannot see SQLITE_TRANSIENT. A null pointer is the empty text, not NULL.
static inline int keyward_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *bytes, int count) {
  return sqlite3_bind_text(statement, index, bytes ? bytes : "", count, SQLITE_TRANSIENT);
}

/// Binds a blob and copies it.
static inline int keyward_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
  return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Reads the main database file through SQLite's own descriptor; zeros stand for what is past the file's end.
static inline int keyward_sqlite_read_file(sqlite3 *database, void *bytes, int count) {
  sqlite3_file *file = 0;
  int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK) return code;
  if (!file || !file->pMethods) return SQLITE_CANTOPEN;
  code = file->pMethods->xRead(file, bytes, count, 0);
  return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
}
