#pragma once

// What the load generator can ask for, each of it a small table of functions. A further protocol is a further table.

#include <stddef.h>
#include <stdint.h>

#include "keys.h"

/// One reply, or the part of it that the generator looks at.
struct reply {
  /// Which request of the connection it answers, from 0 on; preset to the oldest that waits, which is right where
  /// replies come in order.
  uint32_t number;
  /// How many answers it holds, and whether each is what it should be. 0 where the bytes hold no reply.
  unsigned answers;
  int is_right;
};

/// Calls that a connection may have in flight, and how many a session can tell apart: servers answer out of order.
enum { max_in_flight = 1000, session_states = 4096 };

/// What a protocol keeps of a connection.
struct session {
  /// Bytes that are to go before the next request, whatever it is.
  uint8_t due[512];
  size_t due_count;
  /// Bytes that have come and the server was not told of.
  uint32_t untold;
  /// What has come of each reply.
  uint8_t states[session_states];
};

struct protocol {
  const char *name, *what;
  /// How many keys one request asks for.
  unsigned span;
  /// Whether each request may be sent only once.
  int is_once;
  /// The longest request, in bytes.
  size_t max_request;

  /// Has a connection begin. NULL where nothing goes before the requests.
  void (*begin)(struct session *session);

  /// Writes a request ready to be sent.
  /// - keys: those that it asks for, `span` of them.
  /// - position: which request of the whole list it is.
  /// - prefix: what a name that it makes begins with.
  size_t (*encode)(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request);

  /// Writes the request's number on its connection into it. NULL where replies come in order.
  void (*stamp)(uint8_t *request, uint32_t number);

  /// Takes a reply from the start of the bytes that have come, and whatever is before it.
  /// - Returns: the bytes taken, 0 where nothing is whole, -1 where it is no reply.
  ptrdiff_t (*parse)(struct session *session, const uint8_t *bytes, size_t count, struct reply *reply);
};

/// The protocol of that name. Ends the process where there is none.
const struct protocol *find_protocol(const char *name);

/// Writes a line for each protocol on standard error.
void list_protocols(void);

/// Writes the requests that fill a Redis server with what it is asked for here, on standard output (redis-cli --pipe).
/// - reply_size: the bytes that each of its replies is to have.
void print_redis_commands(struct keys keys, size_t reply_size);
