"""What any Python program does with stock gRPC, against the daemon at the socket that is its first argument.

Prints nothing and ends with 0 where everything is as it should be; else an assertion says what is not.
"""

import sys

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from google.protobuf.descriptor_pool import DescriptorPool
from keyward.v1 import control_service_pb2, control_service_pb2_grpc, key_pb2
from keyward.v1 import key_service_pb2, key_service_pb2_grpc, validation_service_pb2, validation_service_pb2_grpc

channel = grpc.insecure_channel("unix:" + sys.argv[1])
keys = key_service_pb2_grpc.KeyServiceStub(channel)
validation = validation_service_pb2_grpc.ValidationServiceStub(channel)
control = control_service_pb2_grpc.ControlServiceStub(channel)
health = health_pb2_grpc.HealthStub(channel)


def refusal(call, *arguments, **options):
    """The error of a call that must fail, and its details by their names."""
    try:
        call(*arguments, timeout=10, **options)
    except grpc.RpcError as error:
        details = {}
        status = rpc_status.from_call(error)
        for detail in status.details if status else []:
            name = detail.type_url.rsplit(".", 1)[1]
            details[name] = getattr(error_details_pb2, name)()
            assert detail.Unpack(details[name])
        return error, details
    raise AssertionError("the call did not fail")


def life_of_a_key():
    made = keys.CreateKey(
        key_service_pb2.CreateKeyRequest(name="B\u00fcro", permission=key_pb2.PERMISSION_CHAT), timeout=10)
    question = validation_service_pb2.ValidateKeyRequest(secret=made.secret, permission=key_pb2.PERMISSION_CHAT)
    answer = validation.ValidateKey(question, timeout=10)
    assert answer.verdict == validation_service_pb2.VERDICT_VALID, answer
    assert (answer.key_id, answer.name) == (made.key.id, "B\u00fcro"), answer
    calls = [validation.ValidateKey.future(question) for _ in range(1000)]
    assert all(call.result(10).verdict == validation_service_pb2.VERDICT_VALID for call in calls)
    batch = validation.ValidateKeys(validation_service_pb2.ValidateKeysRequest(requests=[question] * 100), timeout=10)
    assert len(batch.responses) == 100
    keys.RevokeKey(key_service_pb2.RevokeKeyRequest(id=made.key.id, reason="leaked"), timeout=10)
    assert validation.ValidateKey(question, timeout=10).verdict == validation_service_pb2.VERDICT_REVOKED
    assert control.WhoAmI(control_service_pb2.WhoAmIRequest(), timeout=10).user


def every_method_is_there():
    for stub in (keys, validation, control):
        for name, call in vars(stub).items():
            if name in ("WatchKeys", "Backup"):
                continue
            # An empty request is good or wrong, and never unknown.
            try:
                call(EMPTY[name](), timeout=30)
            except grpc.RpcError as error:
                assert error.code() != grpc.StatusCode.UNIMPLEMENTED, (name, error)


EMPTY = {
    name[: -len("Request")]: getattr(module, name)
    for module in (key_service_pb2, validation_service_pb2, control_service_pb2)
    for name in dir(module)
    if name.endswith("Request")
}


def errors():
    error, details = refusal(
        keys.CreateKey, key_service_pb2.CreateKeyRequest(name="", permission=key_pb2.PERMISSION_CHAT))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert details["ErrorInfo"].reason == "FIELD_INVALID" and details["ErrorInfo"].domain == "keyward"
    assert [violation.field for violation in details["BadRequest"].field_violations] == ["name"], details
    error, details = refusal(
        keys.CreateKey, key_service_pb2.CreateKeyRequest(name="B\u00fcro", permission=key_pb2.PERMISSION_CHAT))
    assert error.code() == grpc.StatusCode.ALREADY_EXISTS and "B\u00fcro" in error.details()
    assert details["ErrorInfo"].reason == "ALREADY_EXISTS"
    error, details = refusal(channel.unary_unary("/keyward.v1.KeyService/Nothing"), b"")
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED and details["ErrorInfo"].reason == "METHOD_UNKNOWN"
    error, _ = refusal(
        validation.ValidateKey, validation_service_pb2.ValidateKeyRequest(), compression=grpc.Compression.Deflate)
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
    answer = validation.ValidateKey(
        validation_service_pb2.ValidateKeyRequest(secret="x" * 400, permission=key_pb2.PERMISSION_CHAT), timeout=10,
        compression=grpc.Compression.Gzip)
    assert answer.verdict == validation_service_pb2.VERDICT_NOT_FOUND, answer
    # Longer than a message may be.
    error, _ = refusal(
        validation.ValidateKey, validation_service_pb2.ValidateKeyRequest(secret="x" * (5 << 20)))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error


def changes_are_told():
    watch = iter(keys.WatchKeys(key_service_pb2.WatchKeysRequest(), timeout=60))
    mark = next(watch)
    assert mark.type == key_service_pb2.CHANGE_TYPE_UNSPECIFIED and not mark.HasField("key"), mark
    made = keys.CreateKey(
        key_service_pb2.CreateKeyRequest(name="watched", permission=key_pb2.PERMISSION_CHAT), timeout=10)
    keys.RevokeKey(key_service_pb2.RevokeKeyRequest(id=made.key.id), timeout=10)
    events = [next(watch), next(watch)]
    watch.cancel()
    assert [event.type for event in events] == [
        key_service_pb2.CHANGE_TYPE_CREATED, key_service_pb2.CHANGE_TYPE_REVOKED], events
    assert [event.revision for event in events] == [mark.revision + 1, mark.revision + 2], events
    assert events[0].key.state == key_pb2.STATE_ACTIVE and events[1].key.state == key_pb2.STATE_REVOKED, events
    assert made.secret not in str(events)
    # The same once more, from before.
    again = iter(keys.WatchKeys(key_service_pb2.WatchKeysRequest(start_revision=mark.revision), timeout=60))
    assert [next(again), next(again)] == events
    assert next(again).revision == mark.revision + 2
    again.cancel()
    error, details = refusal(lambda **options: next(keys.WatchKeys(
        key_service_pb2.WatchKeysRequest(start_revision=10_000), **options)))
    assert error.code() == grpc.StatusCode.OUT_OF_RANGE, error
    assert details["ErrorInfo"].reason == "REVISION_OUT_OF_RANGE"
    assert details["ErrorInfo"].metadata["newest_revision"] == str(mark.revision + 2), details


def health_is_told():
    for service in ("", "keyward.v1.KeyService", "keyward.v1.ValidationService", "keyward.v1.ControlService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    error, _ = refusal(health.Check, health_pb2.HealthCheckRequest(service="nothing"))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    watch = health.Watch(health_pb2.HealthCheckRequest(service="nothing"))
    assert next(iter(watch)).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def reflection_describes_all():
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    assert {"keyward.v1.KeyService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= services
    pool = DescriptorPool(database)
    for service in services:
        assert pool.FindServiceByName(service).methods
    assert pool.FindMessageTypeByName("keyward.v1.Key").fields_by_name["expire_time"]


def watch_until_the_end():
    """Says that it watches, and ends when the daemon has told that it stops."""
    seen = []
    print("watching", flush=True)
    try:
        for answer in health.Watch(health_pb2.HealthCheckRequest()):
            seen.append(answer.status)
            if len(seen) == 1:
                print("serving", flush=True)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
    assert seen == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING], seen


if len(sys.argv) > 2 and sys.argv[2] == "watch":
    watch_until_the_end()
else:
    life_of_a_key()
    every_method_is_there()
    errors()
    changes_are_told()
    health_is_told()
    reflection_describes_all()
channel.close()
