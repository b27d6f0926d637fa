#include "grpc.h"

#include <string.h>

#include "big_endian.h"
#include "messages.h"

enum {
  frame_header = 9,
  message_prefix = 5,
  type_data = 0,
  type_headers = 1,
  type_settings = 4,
  type_ping = 6,
  type_window_update = 8,
  flag_ack = 1,
  flag_end_stream = 1,
  flag_end_headers = 4,
  flag_padded = 8,
  first_window = 65535,
};

static uint8_t *put_frame(uint8_t *out, size_t length, uint8_t type, uint8_t flags, uint32_t stream) {
  out[0] = (uint8_t)(length >> 16), out[1] = (uint8_t)(length >> 8), out[2] = (uint8_t)length;
  out[3] = type, out[4] = flags;
  write_be32(out + 5, stream);
  return out + frame_header;
}

// The start of a connection.

/// A field that the server is to remember.
/// - index: of the name in HPACK's static table; 0 where it is not there, and is given.
static uint8_t *put_field(uint8_t *out, unsigned index, const char *name, const char *value) {
  *out++ = (uint8_t)(1 << 6 | index);
  const char *texts[] = {index ? NULL : name, value};
  for (unsigned number = 0; number < 2; number++) {
    if (!texts[number]) continue;
    size_t length = strlen(texts[number]);
    *out++ = (uint8_t)length;
    memcpy(out, texts[number], length);
    out += length;
  }
  return out;
}

/// :method POST and :scheme http are in the static table. The others have their numbers from the last to the first.
static const uint8_t known_fields[] = {0x83, 0x86, 0x80 | 66, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62};

static uint8_t *put_first_fields(uint8_t *out) {
  *out++ = known_fields[0];
  *out++ = known_fields[1];
  out = put_field(out, 4, ":path", "/keyward.v1.ValidationService/ValidateKey");
  out = put_field(out, 1, ":authority", "localhost");
  out = put_field(out, 31, "content-type", "application/grpc");
  out = put_field(out, 58, "user-agent", "keyward-bench");
  return put_field(out, 0, "te", "trailers");
}

/// The preface, settings, and a call on the first stream that asks for nothing, whose fields the server remembers.
void begin_grpc(struct session *session) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  uint8_t *at = session->due;
  memcpy(at, preface, sizeof preface - 1);
  at = put_frame(at + sizeof preface - 1, 0, type_settings, 0, 0);
  uint8_t *fields = at + frame_header, *end = put_first_fields(fields);
  put_frame(at, (size_t)(end - fields), type_headers, flag_end_headers, 1);
  at = put_frame(end, message_prefix, type_data, flag_end_stream, 1);
  memset(at, 0, message_prefix);
  session->due_count = (size_t)(at + message_prefix - session->due);
}

// Requests.

size_t encode_grpc_validate(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request) {
  (void)position, (void)prefix;
  uint8_t *at = put_frame(request, sizeof known_fields, type_headers, flag_end_headers, 0);
  memcpy(at, known_fields, sizeof known_fields);
  at += sizeof known_fields;
  size_t length = put_question(at + frame_header + message_prefix, keys[0]);
  at = put_frame(at, message_prefix + length, type_data, flag_end_stream, 0);
  *at = 0;
  write_be32(at + 1, (uint32_t)length);
  return (size_t)(at + message_prefix + length - request);
}

void stamp_grpc_stream(uint8_t *request, uint32_t number) {
  // A connection whose streams have run out would be replaced; no run is that long.
  if (number >= (1u << 30) - 1) fail(0, "a connection has no number left for a further call");
  uint32_t stream = 2 * number + 3;
  write_be32(request + 5, stream);
  write_be32(request + frame_header + sizeof known_fields + 5, stream);
}

// Replies.

/// What has come of a stream's message.
enum { nothing, prefix_alone, right, wrong };

static void take_data(struct session *session, uint32_t number, const uint8_t *payload, size_t length) {
  // The window is given back half by half, as stock clients do.
  session->untold += (uint32_t)length;
  if (session->untold >= first_window / 2 && session->due_count + frame_header + 4 <= sizeof session->due) {
    uint8_t *at = put_frame(session->due + session->due_count, 4, type_window_update, 0, 0);
    write_be32(at, session->untold);
    session->due_count += frame_header + 4;
    session->untold = 0;
  }
  uint8_t *state = &session->states[number % session_states];
  if (!length) return;
  if (*state == nothing && length == message_prefix) {
    *state = prefix_alone;
  } else if (*state == nothing && length > message_prefix) {
    *state = is_valid(payload + message_prefix, length - message_prefix) ? right : wrong;
  } else {
    *state = *state == prefix_alone && is_valid(payload, length) ? right : wrong;
  }
}

/// Answers what the server asks of its peer.
static int take_connection_frame(struct session *session, const uint8_t *frame, size_t length) {
  uint8_t type = frame[3];
  if ((type != type_settings && type != type_ping) || frame[4] & flag_ack) return 1;
  size_t payload = type == type_ping ? length : 0;
  if (payload > 8 || session->due_count + frame_header + payload > sizeof session->due) return 0;
  uint8_t *at = put_frame(session->due + session->due_count, payload, type, flag_ack, 0);
  memcpy(at, frame + frame_header, payload);
  session->due_count += frame_header + payload;
  return 1;
}

ptrdiff_t parse_grpc_validate(struct session *session, const uint8_t *bytes, size_t count, struct reply *reply) {
  size_t at = 0;
  while (count - at >= frame_header) {
    const uint8_t *frame = bytes + at;
    size_t length = (size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2];
    if (length > 1 << 14) return -1;
    if (count - at < frame_header + length) break;
    at += frame_header + length;
    uint32_t stream = read_be32(frame + 5);
    uint8_t type = frame[3], flags = frame[4];
    if (type == type_window_update) continue;
    if (!stream) {
      // GOAWAY is nothing that a server says to such a peer.
      if (type > type_ping || !take_connection_frame(session, frame, length)) return -1;
      continue;
    }
    uint32_t number = (stream - 3) / 2;
    if (type == type_data && !(flags & (flag_padded | flag_end_stream))) {
      if (stream != 1) take_data(session, number, frame + frame_header, length);
    } else if (type == type_headers && flags & flag_end_headers) {
      if (!(flags & flag_end_stream) || stream == 1) continue;
      uint8_t *state = &session->states[number % session_states];
      reply->number = number;
      reply->answers = 1;
      reply->is_right = *state == right;
      *state = nothing;
      return (ptrdiff_t)at;
    } else {
      // A stream that is reset, or a header block in several frames.
      return -1;
    }
  }
  return (ptrdiff_t)at;
}
