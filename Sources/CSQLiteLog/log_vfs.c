#include "CSQLiteLog.h"

#include <stddef.h>
#include <string.h>

/// Bytes that are gathered at most: the pages of two or three changes, or of ten that are made together. SQLite's own
/// files take fewer than 128 KiB at once, and call a longer write a full disk.
enum { capacity = 120 * 1024 };

/// Bytes that a file is given at most before they are synced. The kernel writes back what a sync finds in one go and lets
/// nobody in meanwhile, which takes it milliseconds where that is all the pages of an import.
enum { pace_bytes = 2 * 1024 * 1024 };

/// What a file was given since it was synced last, and the error of a sync that failed. That one is told to whoever writes
/// or syncs later too: what it left unwritten, the next one would pass over in silence.
struct pace {
  sqlite3_int64 unsynced;
  int failure;
};

/// A log that is open. Behind it lies the file of SQLite's own VFS.
struct log_file {
  sqlite3_file base;
  unsigned char *bytes;
  /// How many of them wait, and where in the file they go.
  int count;
  sqlite3_int64 offset;
  struct pace pace;
};

static sqlite3_vfs *original;

/// The bytes that a file of so many takes, so that what lies behind it is aligned.
static int room_for(int count) { return (count + 15) & ~15; }

/// Syncs a file of SQLite's own VFS.
static int sync_file(sqlite3_file *file, const sqlite3_io_methods *methods, struct pace *pace, int flags) {
  if (pace->failure == SQLITE_OK) {
    pace->unsynced = 0;
    pace->failure = methods->xSync(file, flags);
  }
  return pace->failure;
}

/// Counts what was written to a file of SQLite's own VFS, and has it synced when that is much.
static int keep_pace(sqlite3_file *file, const sqlite3_io_methods *methods, struct pace *pace, int count) {
  pace->unsynced += count;
  if (pace->unsynced < pace_bytes) return pace->failure;
  return sync_file(file, methods, pace, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

static struct log_file *log_of(sqlite3_file *file) { return (struct log_file *)file; }

static sqlite3_file *inner(sqlite3_file *file) { return (sqlite3_file *)(log_of(file) + 1); }

/// Writes what waits. What cannot be written is given up, as SQLite gives up the transaction that it is told of.
static int flush(sqlite3_file *file) {
  struct log_file *log = log_of(file);
  int count = log->count;
  if (count == 0) return SQLITE_OK;
  log->count = 0;
  int code = inner(file)->pMethods->xWrite(inner(file), log->bytes, count, log->offset);
  if (code != SQLITE_OK) return code;
  return keep_pace(inner(file), inner(file)->pMethods, &log->pace, count);
}

static int log_close(sqlite3_file *file) {
  int flushed = flush(file);
  sqlite3_free(log_of(file)->bytes);
  int closed = inner(file)->pMethods->xClose(inner(file));
  return flushed == SQLITE_OK ? closed : flushed;
}

static int log_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  int code = flush(file);
  return code == SQLITE_OK ? inner(file)->pMethods->xRead(inner(file), bytes, count, offset) : code;
}

static int log_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  struct log_file *log = log_of(file);
  if (offset != log->offset + log->count || count > capacity - log->count) {
    int code = flush(file);
    if (code != SQLITE_OK) return code;
    log->offset = offset;
  }
  if (count > capacity) return inner(file)->pMethods->xWrite(inner(file), bytes, count, offset);
  memcpy(log->bytes + log->count, bytes, (size_t)count);
  log->count += count;
  return SQLITE_OK;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size) {
  int code = flush(file);
  return code == SQLITE_OK ? inner(file)->pMethods->xTruncate(inner(file), size) : code;
}

static int log_sync(sqlite3_file *file, int flags) {
  int code = flush(file);
  return code == SQLITE_OK ? sync_file(inner(file), inner(file)->pMethods, &log_of(file)->pace, flags) : code;
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size) {
  int code = flush(file);
  return code == SQLITE_OK ? inner(file)->pMethods->xFileSize(inner(file), size) : code;
}

static int log_lock(sqlite3_file *file, int lock) { return inner(file)->pMethods->xLock(inner(file), lock); }

static int log_unlock(sqlite3_file *file, int lock) { return inner(file)->pMethods->xUnlock(inner(file), lock); }

static int log_check_lock(sqlite3_file *file, int *is_locked) {
  return inner(file)->pMethods->xCheckReservedLock(inner(file), is_locked);
}

static int log_control(sqlite3_file *file, int operation, void *argument) {
  return inner(file)->pMethods->xFileControl(inner(file), operation, argument);
}

static int log_sector_size(sqlite3_file *file) { return inner(file)->pMethods->xSectorSize(inner(file)); }

static int log_characteristics(sqlite3_file *file) {
  return inner(file)->pMethods->xDeviceCharacteristics(inner(file));
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_lock,
    .xFileControl = log_control,
    .xSectorSize = log_sector_size,
    .xDeviceCharacteristics = log_characteristics,
};

/// What lies behind the file of a database, which is SQLite's own VFS's but for writing and syncing.
struct database_file {
  const sqlite3_io_methods *original;
  sqlite3_io_methods methods;
  struct pace pace;
};

static struct database_file *database_of(sqlite3_file *file) {
  return (struct database_file *)((char *)file + room_for(original->szOsFile));
}

static int database_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  struct database_file *database = database_of(file);
  int code = database->original->xWrite(file, bytes, count, offset);
  return code == SQLITE_OK ? keep_pace(file, database->original, &database->pace, count) : code;
}

static int database_sync(sqlite3_file *file, int flags) {
  struct database_file *database = database_of(file);
  return sync_file(file, database->original, &database->pace, flags);
}

/// Takes over a database that SQLite's own VFS has opened.
static void adopt(sqlite3_file *file) {
  struct database_file *database = database_of(file);
  *database = (struct database_file){.original = file->pMethods, .methods = *file->pMethods};
  database->methods.xWrite = database_write;
  database->methods.xSync = database_sync;
  // Of a later SQLite's methods there is no more here than what this one knows.
  if (database->methods.iVersion > 3) database->methods.iVersion = 3;
  file->pMethods = &database->methods;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *granted) {
  (void)vfs;
  if (!(flags & SQLITE_OPEN_WAL)) {
    int code = original->xOpen(original, name, file, flags, granted);
    if (code == SQLITE_OK && flags & SQLITE_OPEN_MAIN_DB) adopt(file);
    return code;
  }
  struct log_file *log = log_of(file);
  memset(log, 0, sizeof *log);
  int code = original->xOpen(original, name, inner(file), flags, granted);
  if (code != SQLITE_OK) return code;
  log->bytes = sqlite3_malloc(capacity);
  if (!log->bytes) {
    inner(file)->pMethods->xClose(inner(file));
    return SQLITE_NOMEM;
  }
  log->base.pMethods = &log_methods;
  return SQLITE_OK;
}

const char *keyward_sqlite_log_vfs(void) {
  static sqlite3_vfs vfs;
  if (vfs.zName) return vfs.zName;
  // Without its statistics of memory, which nobody reads, SQLite takes no lock to allocate any. It says no where it is in
  // use already, and nothing depends on it.
  (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  original = sqlite3_vfs_find(NULL);
  if (!original) return NULL;
  // Nothing but opening differs, and no method of SQLite's own looks at more of its VFS than what is copied here.
  vfs = *original;
  vfs.pNext = NULL;
  vfs.szOsFile = room_for(original->szOsFile) + (int)(sizeof(struct log_file) + sizeof(struct database_file));
  vfs.xOpen = open_file;
  vfs.zName = "keyward-log";
  return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL;
}
