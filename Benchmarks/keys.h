#pragma once

// The keys that every server holds and the load generator asks for: the list that `keyward import` takes.

#include <stddef.h>

struct key {
  const char *name, *secret;
  size_t name_length, secret_length;
};

struct keys {
  struct key *all;
  size_t count;
};

/// Reads a CSV file with the header line `name,permission,secret` and no quotes. Ends the process where it cannot.
/// The texts live for as long as the process.
struct keys read_keys(const char *path);

/// Says on standard error what was wrong, with errno's text where `code` is not 0, and ends the process with 1.
_Noreturn void fail(int code, const char *format, ...);
