// The floor: the least that a server of ValidateKey can do. One thread, one epoll set; ttrpc frames, protobuf-c,
// SHA-256, a look-up in an open-addressing table, and nothing else: no rights, states, limits, deadlines or records of
// use. What keywardd takes beyond this is the price of being more.
//
//   floor SOCKET KEYS
//
// One recv and one send a wake-up of a connection, with the answers to all frames that have come; no allocation for a
// request.

#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "CKeywardProto.h"
#include "keys.h"
#include "ttrpc.h"

// The table.

enum { id_length = 24, max_name = 63 };

/// What an answer tells of a key: two cache lines.
struct record {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  char id[id_length];
  uint8_t name_length;
  char name[max_name];
  uint8_t permission;
} __attribute__((aligned(64)));

/// Open addressing with linear probing, at most half full.
struct table {
  struct record *records;
  /// In each slot 32 bits of the digest, and the record's number from 1 on; 0 where it is free.
  struct slot {
    uint32_t tag, number;
  } *slots;
  uint64_t mask;
  int64_t revision;
};

static void digest_of(const void *bytes, size_t length, uint8_t digest[SHA256_DIGEST_LENGTH]) {
  // The low-level calls take two thirds of the time that the one-shot SHA256() takes, which goes by way of EVP.
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes, length);
  SHA256_Final(digest, &context);
}

static inline uint64_t hash_of(const uint8_t *digest) {
  uint64_t hash;
  memcpy(&hash, digest, sizeof hash);
  return hash;
}

/// Zeroed memory in large pages where the kernel has them.
static void *reserve(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail(errno, "no memory for %zu bytes", size);
  madvise(memory, size, MADV_HUGEPAGE);
  return memory;
}

static struct table make_table(struct keys keys) {
  uint64_t capacity = 16;
  while (capacity < 2 * keys.count) capacity *= 2;
  struct table table = {
      .records = reserve(keys.count * sizeof(struct record)),
      .slots = reserve(capacity * sizeof(struct slot)),
      .mask = capacity - 1,
      .revision = (int64_t)keys.count,
  };
  for (size_t index = 0; index < keys.count; index++) {
    const struct key *key = &keys.all[index];
    struct record *record = &table.records[index];
    if (key->name_length > max_name) fail(0, "a name is longer than %d bytes", max_name);
    digest_of(key->secret, key->secret_length, record->digest);
    char id[id_length + 1];
    snprintf(id, sizeof id, "key_%020zu", index);
    memcpy(record->id, id, id_length);
    memcpy(record->name, key->name, key->name_length);
    record->name_length = (uint8_t)key->name_length;
    record->permission = KEYWARD__V1__PERMISSION__PERMISSION_CHAT;
    uint64_t hash = hash_of(record->digest), at = hash & table.mask;
    while (table.slots[at].number) at = (at + 1) & table.mask;
    table.slots[at] = (struct slot){.tag = (uint32_t)(hash >> 32), .number = (uint32_t)index + 1};
  }
  return table;
}

static const struct record *find(const struct table *table, const uint8_t digest[SHA256_DIGEST_LENGTH]) {
  uint64_t hash = hash_of(digest);
  for (uint64_t at = hash & table->mask;; at = (at + 1) & table->mask) {
    struct slot slot = table->slots[at];
    if (!slot.number) return NULL;
    const struct record *record = &table->records[slot.number - 1];
    if (slot.tag == (uint32_t)(hash >> 32) && !memcmp(record->digest, digest, SHA256_DIGEST_LENGTH)) return record;
  }
}

// Messages.

/// The memory of one request's messages: taken from one end, given back all at once.
static struct {
  size_t used;
  _Alignas(16) uint8_t bytes[64 << 10];
} arena;

static void *take(void *context, size_t size) {
  (void)context;
  size = (size + 15) & ~(size_t)15;
  if (size > sizeof arena.bytes - arena.used) return NULL;
  void *memory = arena.bytes + arena.used;
  arena.used += size;
  return memory;
}

static void give_back(void *context, void *memory) { (void)context, (void)memory; }

static ProtobufCAllocator allocator = {.alloc = take, .free = give_back};

static int is(ProtobufCBinaryData text, const char *wanted) {
  size_t length = strlen(wanted);
  return text.len == length && !memcmp(text.data, wanted, length);
}

static void judge(const struct table *table, const Keyward__V1__ValidateKeyRequest *question,
                  Keyward__V1__ValidateKeyResponse *verdict) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  digest_of(question->secret.data, question->secret.len, digest);
  const struct record *record = find(table, digest);
  if (!record) {
    verdict->verdict = KEYWARD__V1__VERDICT__VERDICT_NOT_FOUND;
  } else if (record->permission != question->permission) {
    verdict->verdict = KEYWARD__V1__VERDICT__VERDICT_WRONG_PERMISSION;
  } else {
    verdict->verdict = KEYWARD__V1__VERDICT__VERDICT_VALID;
    verdict->key_id = (ProtobufCBinaryData){.len = id_length, .data = (uint8_t *)record->id};
    verdict->name = (ProtobufCBinaryData){.len = record->name_length, .data = (uint8_t *)record->name};
    verdict->revision = table->revision;
  }
}

enum { max_reply = 256 };

/// Answers one request's envelope.
/// - Returns: the reply's length, 0 where the request is none.
static size_t answer(const struct table *table, const uint8_t *data, size_t length, uint8_t *reply) {
  arena.used = 0;
  Ttrpc__Request *request = ttrpc__request__unpack(&allocator, length, data);
  if (!request || !is(request->service, "keyward.v1.ValidationService") || !is(request->method, "ValidateKey"))
    return 0;
  Keyward__V1__ValidateKeyRequest *question =
      keyward__v1__validate_key_request__unpack(&allocator, request->payload.len, request->payload.data);
  if (!question) return 0;

  Keyward__V1__ValidateKeyResponse verdict = KEYWARD__V1__VALIDATE_KEY_RESPONSE__INIT;
  judge(table, question, &verdict);
  uint8_t payload[max_reply];
  Ttrpc__Response response = TTRPC__RESPONSE__INIT;
  response.payload.len = keyward__v1__validate_key_response__pack(&verdict, payload);
  response.payload.data = payload;
  return ttrpc__response__pack(&response, reply);
}

// Connections.

enum {
  input_size = 64 << 10,
  // A request that is answered has over 60 bytes, so this holds the answers to a whole input.
  output_size = input_size / 60 * max_reply,
};

struct connection {
  int fd;
  size_t used;
  /// What the socket did not take; nothing is read meanwhile.
  uint8_t *unsent;
  size_t unsent_length;
  uint8_t input[input_size];
};

static uint8_t output[output_size];

static void end(struct connection *connection) {
  close(connection->fd);
  free(connection->unsent);
  free(connection);
}

static void wait_for(int epoll, struct connection *connection, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

/// - Returns: whether the connection goes on.
static int send_output(int epoll, struct connection *connection, const uint8_t *bytes, size_t length) {
  ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == (ssize_t)length) return 1;
  if (sent < 0 && errno != EAGAIN) return 0;
  size_t done = sent < 0 ? 0 : (size_t)sent;
  uint8_t *rest = malloc(length - done);
  if (!rest) return 0;
  memcpy(rest, bytes + done, length - done);
  free(connection->unsent);
  connection->unsent = rest;
  connection->unsent_length = length - done;
  wait_for(epoll, connection, EPOLLOUT);
  return 1;
}

static int send_rest(int epoll, struct connection *connection) {
  uint8_t *rest = connection->unsent;
  connection->unsent = NULL;
  wait_for(epoll, connection, EPOLLIN);
  int goes_on = send_output(epoll, connection, rest, connection->unsent_length);
  free(rest);
  return goes_on;
}

/// Reads once, answers every whole frame, and sends the answers together.
static int serve(int epoll, struct connection *connection, const struct table *table) {
  uint8_t *input = connection->input;
  ssize_t count = recv(connection->fd, input + connection->used, input_size - connection->used, MSG_DONTWAIT);
  if (count <= 0) return count < 0 && errno == EAGAIN;
  connection->used += (size_t)count;

  size_t at = 0, length = 0;
  while (connection->used - at >= ttrpc_header_size) {
    const uint8_t *header = input + at;
    size_t data = read_be32(header);
    if (data > input_size - ttrpc_header_size || header[8] != ttrpc_request) return 0;
    if (connection->used - at < ttrpc_header_size + data) break;
    uint8_t *reply = output + length;
    size_t reply_length = answer(table, header + ttrpc_header_size, data, reply + ttrpc_header_size);
    if (!reply_length) return 0;
    write_ttrpc_header(reply, (uint32_t)reply_length, read_be32(header + 4), ttrpc_response);
    length += ttrpc_header_size + reply_length;
    at += ttrpc_header_size + data;
  }
  connection->used -= at;
  if (connection->used) memmove(input, input + at, connection->used);
  return !length || send_output(epoll, connection, output, length);
}

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) fail(ENAMETOOLONG, "%s", path);
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0)
    fail(errno, "%s", path);
  return fd;
}

static void admit(int epoll, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  struct connection *connection = fd < 0 ? NULL : calloc(1, sizeof *connection);
  if (!connection) fail(errno, "no connection");
  connection->fd = fd;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail(errno, "epoll_ctl");
}

int main(int count, char **arguments) {
  if (count != 3) fail(0, "usage: floor SOCKET KEYS");
  struct table table = make_table(read_keys(arguments[2]));
  int listener = listen_at(arguments[1]), epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) fail(errno, "epoll");
  for (;;) {
    struct epoll_event ready[64];
    int ready_count = epoll_wait(epoll, ready, 64, -1);
    for (int index = 0; index < ready_count; index++) {
      struct connection *connection = ready[index].data.ptr;
      if (!connection) {
        admit(epoll, listener);
      } else if (!(connection->unsent ? send_rest(epoll, connection) : serve(epoll, connection, &table))) {
        end(connection);
      }
    }
  }
}
