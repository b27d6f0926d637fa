#pragma once

// ValidateKey by gRPC, as far as the load generator needs it: frames of HTTP/2 written and read by hand, with header
// fields as stock clients send them: in full once a connection, by their numbers in the server's table from then on.

#include "protocols.h"

void begin_grpc(struct session *session);
size_t encode_grpc_validate(const struct key *const *keys, size_t position, const char *prefix, uint8_t *request);
void stamp_grpc_stream(uint8_t *request, uint32_t number);
ptrdiff_t parse_grpc_validate(struct session *session, const uint8_t *bytes, size_t count, struct reply *reply);
