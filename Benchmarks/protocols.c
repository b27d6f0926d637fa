#define OPENSSL_SUPPRESS_DEPRECATED
#include "protocols.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc.h"
#include "messages.h"
#include "ttrpc.h"

enum { max_payload = 16 << 10, envelope_room = 128, batch = 100 };

static size_t put_call(uint8_t *out, const char *service, const char *method, const uint8_t *payload, size_t length) {
  uint8_t *data = out + ttrpc_header_size;
  size_t count = put_bytes(data, 1, service, strlen(service));
  count += put_bytes(data + count, 2, method, strlen(method));
  count += put_bytes(data + count, 3, payload, length);
  write_ttrpc_header(out, (uint32_t)count, 0, ttrpc_request);
  return ttrpc_header_size + count;
}

static void stamp_stream(uint8_t *request, uint32_t number) { write_be32(request + 4, 2 * number + 1); }

// Requests.

static size_t encode_validate(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request) {
  (void)position, (void)prefix;
  uint8_t payload[1024];
  size_t length = put_question(payload, keys[0]);
  return put_call(request, "keyward.v1.ValidationService", "ValidateKey", payload, length);
}

static size_t encode_batch(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request) {
  (void)position, (void)prefix;
  uint8_t payload[max_payload], question[1024];
  size_t length = 0;
  for (unsigned index = 0; index < batch; index++) {
    size_t count = put_question(question, keys[index]);
    if (length + count + 8 > sizeof payload) fail(0, "secrets are too long for a batch");
    length += put_bytes(payload + length, 1, question, count);
  }
  return put_call(request, "keyward.v1.ValidationService", "ValidateKeys", payload, length);
}

static size_t encode_create(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request) {
  (void)keys;
  uint8_t payload[512];
  char name[128];
  int name_length = snprintf(name, sizeof name, "%s %zu", prefix, position);
  if (name_length >= (int)sizeof name) fail(0, "the prefix is too long");
  size_t length = put_bytes(payload, 1, name, (size_t)name_length);
  length += put_number(payload + length, 2, permission_chat);
  return put_call(request, "keyward.v1.KeyService", "CreateKey", payload, length);
}

/// What a person types who looks for a key: every fourth request a name's first word, its number's first three digits,
/// five of them, or all seven.
static size_t encode_list(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request) {
  (void)prefix;
  static const unsigned digits[] = {0, 3, 5, 7};
  const struct key *key = keys[0];
  size_t word = 0;
  while (word < key->name_length && (key->name[word] < '0' || key->name[word] > '9')) word++;
  size_t wanted = digits[position % 4], at = wanted ? word : 0;
  if (!wanted) wanted = word < 5 ? word : 5;
  if (at + wanted > key->name_length) wanted = key->name_length - at;
  uint8_t payload[256];
  size_t length = put_bytes(payload, 1, key->name + at, wanted);
  return put_call(request, "keyward.v1.KeyService", "ListKeys", payload, length);
}

// Replies.

static ptrdiff_t take_frame(const uint8_t *bytes, size_t count, struct reply *reply) {
  if (count < ttrpc_header_size) return 0;
  size_t length = read_be32(bytes);
  if (length > ttrpc_max_data || bytes[8] != ttrpc_response) return -1;
  if (count < ttrpc_header_size + length) return 0;
  reply->number = read_be32(bytes + 4) / 2;
  reply->answers = 1;
  return (ptrdiff_t)(ttrpc_header_size + length);
}

/// The start of a Response's payload, NULL where it is a status; `count` becomes its length.
static const uint8_t *payload_of(const uint8_t *data, size_t *count) {
  size_t length = 0, at = 1;
  if (*count < 2 || data[0] != (2 << 3 | 2)) return NULL;
  for (unsigned shift = 0; at < *count && shift < 28; shift += 7) {
    length |= (size_t)(data[at] & 127) << shift;
    if (data[at++] < 128) break;
  }
  if (length != *count - at) return NULL;
  *count = length;
  return data + at;
}

static ptrdiff_t parse_validate(struct session *session, const uint8_t *bytes, size_t count, struct reply *reply) {
  (void)session;
  ptrdiff_t size = take_frame(bytes, count, reply);
  if (size > 0) {
    size_t length = (size_t)size - ttrpc_header_size;
    const uint8_t *payload = payload_of(bytes + ttrpc_header_size, &length);
    reply->is_right = payload && is_valid(payload, length);
  }
  return size;
}

static ptrdiff_t parse_batch(struct session *session, const uint8_t *bytes, size_t count, struct reply *reply) {
  (void)session;
  ptrdiff_t size = take_frame(bytes, count, reply);
  if (size <= 0) return size;
  size_t length = (size_t)size - ttrpc_header_size, at = 0;
  const uint8_t *payload = payload_of(bytes + ttrpc_header_size, &length);
  unsigned valid = 0;
  // A verdict has less than 128 bytes, so its length is one byte.
  while (payload && at + 2 < length && payload[at] == (1 << 3 | 2) && payload[at + 1] < 128) {
    size_t one = payload[at + 1];
    if (at + 2 + one > length) break;
    valid += is_valid(payload + at + 2, one);
    at += 2 + one;
  }
  reply->answers = batch;
  reply->is_right = valid == batch;
  return size;
}

static ptrdiff_t parse_success(struct session *session, const uint8_t *bytes, size_t count, struct reply *reply) {
  (void)session;
  ptrdiff_t size = take_frame(bytes, count, reply);
  if (size > 0) {
    size_t length = (size_t)size - ttrpc_header_size;
    reply->is_right = payload_of(bytes + ttrpc_header_size, &length) != NULL && length > 0;
  }
  return size;
}

// Redis: GET of a name made from the secret's SHA-256, as one would keep keys there, in a request of the size of ours.

#define redis_prefix "keyward:key:sha256:"
#define redis_verdict "VALID "

enum { redis_name = sizeof redis_prefix - 1 + 2 * SHA256_DIGEST_LENGTH };

static void write_redis_name(const struct key *key, char name[redis_name + 1]) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256((const uint8_t *)key->secret, key->secret_length, digest);
  int at = sprintf(name, "%s", redis_prefix);
  for (unsigned index = 0; index < sizeof digest; index++) at += sprintf(name + at, "%02x", digest[index]);
}

static size_t encode_get(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request) {
  (void)position, (void)prefix;
  char name[redis_name + 1];
  write_redis_name(keys[0], name);
  return (size_t)sprintf((char *)request, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", redis_name, name);
}

/// A bulk string: `$73`, the line's end, 73 bytes, the line's end.
static ptrdiff_t parse_bulk(struct session *session, const uint8_t *bytes, size_t count, struct reply *reply) {
  (void)session;
  size_t length = 0, at = 1;
  if (count < 4) return 0;
  if (bytes[0] != '$') return -1;
  for (; at < count && bytes[at] >= '0' && bytes[at] <= '9' && length < ttrpc_max_data; at++)
    length = length * 10 + bytes[at] - '0';
  if (at + 2 > count) return 0;
  // `$-1` is the answer for a name that is not there: nothing that a filled server says.
  if (bytes[at] != '\r') return -1;
  at += 2;
  if (count < at + length + 2) return 0;
  reply->answers = 1;
  reply->is_right =
      length >= sizeof redis_verdict - 1 && !memcmp(bytes + at, redis_verdict, sizeof redis_verdict - 1);
  return (ptrdiff_t)(at + length + 2);
}

void print_redis_commands(struct keys keys, size_t reply_size) {
  // What a bulk string of 10 to 99 bytes has besides.
  int length = (int)reply_size - 7;
  if (length < 10 || length > 99) fail(0, "a reply of %zu bytes is not foreseen: 17 to 106", reply_size);
  for (size_t index = 0; index < keys.count; index++) {
    const struct key *key = &keys.all[index];
    char name[redis_name + 1], value[128];
    write_redis_name(key, name);
    snprintf(value, sizeof value, redis_verdict "key_%020zu %-*.*s", index, length, (int)key->name_length, key->name);
    printf("*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%.*s\r\n", redis_name, name, length, length, value);
  }
}

// The table.

static const struct protocol protocols[] = {
    {.name = "validate", .what = "ValidateKey by ttrpc; every verdict must be VALID", .span = 1,
     .max_request = 1024 + envelope_room, .encode = encode_validate, .stamp = stamp_stream, .parse = parse_validate},
    {.name = "validate-batch", .what = "ValidateKeys by ttrpc, 100 at once", .span = batch,
     .max_request = max_payload + envelope_room, .encode = encode_batch, .stamp = stamp_stream, .parse = parse_batch},
    {.name = "grpc-validate", .what = "ValidateKey by gRPC; every verdict must be VALID", .span = 1,
     .max_request = 1024 + envelope_room, .begin = begin_grpc, .encode = encode_grpc_validate,
     .stamp = stamp_grpc_stream, .parse = parse_grpc_validate},
    {.name = "create", .what = "CreateKey by ttrpc, each with a name of its own", .span = 1, .is_once = 1,
     .max_request = 512 + envelope_room, .encode = encode_create, .stamp = stamp_stream, .parse = parse_success},
    {.name = "list", .what = "ListKeys by ttrpc with a text to find; first page and total", .span = 1,
     .max_request = 256 + envelope_room, .encode = encode_list, .stamp = stamp_stream, .parse = parse_success},
    {.name = "redis-get", .what = "GET by Redis's protocol; every value must begin with VALID", .span = 1,
     .max_request = 64 + redis_name, .encode = encode_get, .parse = parse_bulk},
};

const struct protocol *find_protocol(const char *name) {
  for (size_t index = 0; index < sizeof protocols / sizeof *protocols; index++)
    if (!strcmp(protocols[index].name, name)) return &protocols[index];
  list_protocols();
  fail(0, "there is no protocol %s", name);
}

void list_protocols(void) {
  for (size_t index = 0; index < sizeof protocols / sizeof *protocols; index++)
    fprintf(stderr, "  %-16s %s\n", protocols[index].name, protocols[index].what);
}
