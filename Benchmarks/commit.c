// How long SQLite alone takes to make one row durable: what creating a key is measured against. One INSERT a
// transaction into a table like keyward's of keys, with its two unique indices, in a database opened as keywardd opens
// its own: write-ahead log, synchronous=FULL, one user. What counts begins once the log has been written back and starts
// anew: a log that still grows takes longer to sync, and one in use does not grow. Nothing else of what a new key takes: no digest, no audit, no
// revision, no socket.
//
//   commit DATABASE ROWS

#define _GNU_SOURCE
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "histogram.h"
#include "keys.h"

static const char schema[] =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "CREATE TABLE key (ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " permission INTEGER NOT NULL, enabled INTEGER NOT NULL, hint TEXT NOT NULL, creator TEXT NOT NULL,"
    " create_time INTEGER NOT NULL, updater TEXT NOT NULL, update_time INTEGER NOT NULL, revision INTEGER NOT NULL)"
    " STRICT;"
    "CREATE UNIQUE INDEX key_by_name ON key (name)";

static const char insertion[] =
    "INSERT INTO key (id, name, permission, enabled, hint, creator, create_time, updater, update_time, revision)"
    " VALUES (?1, ?2, 1, 1, 'kw_chat_…abcd', 'root', 1800000000000000, 'root', 1800000000000000, ?3)";

/// More rows than the log grows by: SQLite writes it back at a thousand pages, and a row takes four.
enum { warm_up = 500 };

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void check(int code, sqlite3 *database) {
  if (code != SQLITE_OK && code != SQLITE_DONE) fail(0, "SQLite: %s", sqlite3_errmsg(database));
}

/// Ids in no order, as keyward's are.
static void write_id(char id[25]) {
  static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  int at = snprintf(id, 25, "key_");
  while (at < 24) id[at++] = digits[random() % 62];
  id[24] = 0;
}

int main(int count, char **arguments) {
  long rows = count == 3 ? atol(arguments[2]) : 0;
  if (rows < 1) fail(0, "usage: commit DATABASE ROWS");
  sqlite3 *database;
  sqlite3_stmt *insert;
  check(sqlite3_open(arguments[1], &database), database);
  check(sqlite3_exec(database, schema, NULL, NULL, NULL), database);
  check(sqlite3_prepare_v2(database, insertion, -1, &insert, NULL), database);

  struct histogram *latency = calloc(1, sizeof *latency);
  if (!latency) fail(0, "no memory");
  uint64_t begin = now();
  for (long row = 1 - warm_up; row <= rows; row++) {
    if (row == 1) begin = now();
    char id[25], name[32];
    write_id(id);
    snprintf(name, sizeof name, "Bench %ld", row);
    check(sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC), database);
    check(sqlite3_bind_text(insert, 2, name, -1, SQLITE_STATIC), database);
    check(sqlite3_bind_int64(insert, 3, warm_up + row), database);
    uint64_t instant = now();
    check(sqlite3_step(insert), database);
    check(sqlite3_reset(insert), database);
    if (row > 0) record(latency, now() - instant);
  }
  printf("{\"protocol\":\"commit\",\"answers\":%ld,\"per_second\":%.1f,", rows,
         (double)rows / ((double)(now() - begin) / 1e9));
  print_quantiles(latency, stdout);
  puts("}");
  sqlite3_finalize(insert);
  check(sqlite3_close(database), database);
  free(latency);
  return 0;
}
