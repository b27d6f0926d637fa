"""A chat service over HTTP that asks keyward about the key of every request.

    KEYWARD_SOCKET=/run/keyward/keyward.sock python3 server.py chat.sock
"""

import logging
import os
import re
import sys
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer

import grpc
from keyward.v1 import key_pb2, validation_service_pb2, validation_service_pb2_grpc

# One channel for the whole process: it is safe for threads, and connects anew by itself. The options make it try
# again within a second when keyward is back; by default that can take two minutes.
channel = grpc.insecure_channel(
    "unix:" + os.environ.get("KEYWARD_SOCKET", "/run/keyward/keyward.sock"),
    options=[("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)],
)
validation = validation_service_pb2_grpc.ValidationServiceStub(channel)

# What is not visible ASCII cannot be a bearer's secret, and keyward need not be asked.
BEARER = re.compile(r"Bearer +([!-~]+)", re.IGNORECASE)
STATUS = {
    validation_service_pb2.VERDICT_VALID: 200,
    validation_service_pb2.VERDICT_WRONG_PERMISSION: 403,
    validation_service_pb2.VERDICT_RATE_LIMITED: 429,
    validation_service_pb2.VERDICT_USAGE_EXCEEDED: 429,
}


def authorize(header):
    """The HTTP status for an Authorization header, and the name of the key where that is 200."""
    bearer = BEARER.fullmatch(header or "")
    if not bearer:
        return 401, None
    question = validation_service_pb2.ValidateKeyRequest(secret=bearer[1], permission=key_pb2.PERMISSION_CHAT)
    try:
        answer = validation.ValidateKey(question, timeout=1)
    except grpc.RpcError as error:
        # Nobody knows whether the key is good. That is no fault of its holder, so it is not 401.
        logging.error("keyward: %s: %s", error.code().name, error.details())
        return 503, None
    return STATUS.get(answer.verdict, 401), answer.name


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        status, name = authorize(self.headers["Authorization"])
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if status == 200:
            self.wfile.write(f"hello, {name}\n".encode())

    def address_string(self):
        return "peer"  # A Unix socket's peer has no address to log.


if __name__ == "__main__":
    ThreadingUnixStreamServer(sys.argv[1], Handler).serve_forever()
