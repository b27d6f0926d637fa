"""What examples/python/cached_validation.py promises, against the daemon at the socket that is its second argument.

The first is the folder of the example. Prints nothing and ends with 0 where everything is as it should be. The daemon is
stopped at the end.
"""

import os
import signal
import sys
import time

sys.path.insert(0, sys.argv[1])

import grpc
from cached_validation import CachedValidation
from google.protobuf.field_mask_pb2 import FieldMask
from keyward.v1 import control_service_pb2, control_service_pb2_grpc, key_pb2
from keyward.v1 import key_service_pb2, key_service_pb2_grpc, validation_service_pb2

target = "unix:" + sys.argv[2]
channel = grpc.insecure_channel(target)
keys = key_service_pb2_grpc.KeyServiceStub(channel)
cache = CachedValidation(target)
CHAT = key_pb2.PERMISSION_CHAT


def verdict(secret, permission=CHAT):
    """The verdict's name, and whether the daemon was asked."""
    before = cache.asked
    answer = cache.validate(secret, permission)
    return validation_service_pb2.Verdict.Name(answer.verdict).removeprefix("VERDICT_"), cache.asked > before


def create(name, **fields):
    made = keys.CreateKey(key_service_pb2.CreateKeyRequest(name=name, permission=CHAT, **fields), timeout=10)
    assert cache.wait_for(made.revision)
    return made.key, made.secret


def change(call, request):
    assert cache.wait_for(call(request, timeout=10).revision)


def a_change_is_obeyed_at_once():
    key, secret = create("first")
    assert verdict(secret) == ("VALID", True)
    assert verdict(secret) == ("VALID", False)
    assert verdict(secret, key_pb2.PERMISSION_SECURE_MAIL) == ("WRONG_PERMISSION", True)
    # Another key's change is none of its business.
    create("second")
    assert verdict(secret) == ("VALID", False)
    for enabled, expected in ((False, "DISABLED"), (True, "VALID")):
        change(keys.UpdateKey, key_service_pb2.UpdateKeyRequest(
            key=key_pb2.Key(id=key.id, enabled=enabled), update_mask=FieldMask(paths=["enabled"])))
        assert verdict(secret) == (expected, True)
        assert verdict(secret) == (expected, False)
    change(keys.RevokeKey, key_service_pb2.RevokeKeyRequest(id=key.id, reason="leaked"))
    assert verdict(secret) == ("REVOKED", True)
    assert verdict(secret) == ("REVOKED", False)


def a_rotation_and_a_deletion_are_obeyed():
    key, old = create("rotated")
    assert verdict(old) == ("VALID", True)
    made = keys.RotateKey(key_service_pb2.RotateKeyRequest(id=key.id), timeout=10)
    assert cache.wait_for(made.revision)
    assert verdict(old) == ("NOT_FOUND", True)
    assert verdict(old) == ("NOT_FOUND", True), "what is not found is not kept"
    assert verdict(made.secret) == ("VALID", True)
    change(keys.DeleteKey, key_service_pb2.DeleteKeyRequest(id=key.id))
    assert verdict(made.secret) == ("NOT_FOUND", True)
    change(keys.UndeleteKey, key_service_pb2.UndeleteKeyRequest(id=key.id))
    assert verdict(made.secret) == ("VALID", True)


def an_expiry_is_obeyed():
    end = time.time() + 1
    key, secret = create("brief", expire_time={"seconds": int(end), "nanos": int(end % 1 * 1e9)})
    seen = set()
    while time.time() < end + 0.5:
        late = time.time() > end
        told, _ = verdict(secret)
        assert not late or told == "EXPIRED", told
        seen.add(told)
    assert seen == {"VALID", "EXPIRED"}, seen


def a_limited_key_is_always_asked_for():
    _, secret = create("limited", rate_limit=key_pb2.RateLimit(count=3, period={"seconds": 3600}, burst=3))
    assert [verdict(secret) for _ in range(3)] == [("VALID", True)] * 3
    assert verdict(secret)[0] == "RATE_LIMITED"


def nothing_is_served_without_a_stream():
    _, secret = create("last")
    assert verdict(secret) == ("VALID", True)
    assert verdict(secret) == ("VALID", False)
    control = control_service_pb2_grpc.ControlServiceStub(channel)
    os.kill(control.GetStatus(control_service_pb2.GetStatusRequest(), timeout=10).pid, signal.SIGTERM)
    while True:
        try:
            assert verdict(secret) == ("VALID", False) or cache.asked
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), error
            break


assert cache.wait_for(0)
a_change_is_obeyed_at_once()
a_rotation_and_a_deletion_are_obeyed()
an_expiry_is_obeyed()
a_limited_key_is_always_asked_for()
nothing_is_served_without_a_stream()
cache.close()
