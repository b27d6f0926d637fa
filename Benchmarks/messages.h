#pragma once

// Protocol buffers, as far as requests need them: fields of bytes, written by hand so that the generator links no more
// than it measures with.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "keys.h"

enum { permission_chat = 1 };

static inline size_t put_varint(uint8_t *out, size_t value) {
  size_t count = 0;
  for (; value > 127; value >>= 7) out[count++] = (uint8_t)(value | 128);
  out[count++] = (uint8_t)value;
  return count;
}

static inline size_t put_bytes(uint8_t *out, unsigned field, const void *bytes, size_t length) {
  size_t count = put_varint(out, field << 3 | 2);
  count += put_varint(out + count, length);
  memcpy(out + count, bytes, length);
  return count + length;
}

static inline size_t put_number(uint8_t *out, unsigned field, size_t value) {
  size_t count = put_varint(out, field << 3);
  return count + put_varint(out + count, value);
}

/// A ValidateKeyRequest.
static inline size_t put_question(uint8_t *out, const struct key *key) {
  size_t count = put_bytes(out, 1, key->secret, key->secret_length);
  return count + put_number(out + count, 2, permission_chat);
}

/// Whether a ValidateKeyResponse says VALID and names a key.
static inline int is_valid(const uint8_t *payload, size_t count) {
  return count > 28 && payload[0] == 1 << 3 && payload[1] == 1 && payload[2] == (2 << 3 | 2) && payload[3] == 24;
}
