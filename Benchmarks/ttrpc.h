#pragma once

// ttrpc's frame header: data length, stream id, type, flags (proto/PROTOCOL.md, 2).

#include "big_endian.h"

enum { ttrpc_header_size = 10, ttrpc_request = 1, ttrpc_response = 2, ttrpc_max_data = 4194304 };

static inline void write_ttrpc_header(uint8_t *bytes, uint32_t length, uint32_t stream, uint8_t type) {
  write_be32(bytes, length);
  write_be32(bytes + 4, stream);
  bytes[8] = type;
  bytes[9] = 0;
}
