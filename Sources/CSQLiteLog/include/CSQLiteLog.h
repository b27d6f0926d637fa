#pragma once
#include <sqlite3.h>

/// Registers a VFS that is SQLite's own but for write-ahead logs: what is written to one is gathered in memory and goes
/// to the file in few large writes, before whatever reads, measures, cuts or syncs it. SQLite itself writes each page in
/// two: most of what a small commit costs besides its sync.
///
/// For `synchronous = FULL` alone. There a commit ends with a sync, so nothing that counts is in memory only, and a write
/// that fails is told by that sync at the latest.
///
/// Of what is written to a log or a database, each two MiB are synced at once, whether that is asked for or not: the sync
/// of a very large commit would have the kernel write back for so long that others wait for it.
///
/// - Returns: its name for sqlite3_open_v2; null where there is no VFS to build on. Not for two threads at once.
const char *keyward_sqlite_log_vfs(void);
