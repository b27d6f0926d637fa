"""Validates keys from a cache that is as safe as asking each time, but for the milliseconds that news takes.

    python cached_validation.py [SOCKET] < secrets

reads one secret a line and prints the verdict, and whether the daemon was asked. The stubs come from keyward's .proto
files: python -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. proto/keyward/v1/*.proto

The watch needs the right canRead, and each validation canValidate.
"""

import hashlib
import sys
import threading
import time

import grpc
from keyward.v1 import key_pb2, key_service_pb2, key_service_pb2_grpc
from keyward.v1 import validation_service_pb2, validation_service_pb2_grpc


class CachedValidation:
    """Verdicts of keyward, kept for as long as they hold.

    They are served only while a WatchKeys stream tells of each change, from when it has said that it has caught up.
    """

    LIMIT = 100_000

    def __init__(self, target="unix:///run/keyward/keyward.sock"):
        self._channel = grpc.insecure_channel(target)
        self._keys = key_service_pb2_grpc.KeyServiceStub(self._channel)
        self._validation = validation_service_pb2_grpc.ValidationServiceStub(self._channel)
        self._lock = threading.Condition()
        # Up to where every change has been told; None while nothing may be served.
        self._revision = None
        self._streams = 0
        self._answers = {}  # (digest, permission) -> (answer, end by the wall clock, end by the monotonic clock)
        self._questions = {}  # key id -> the keys of _answers that are about it
        self._is_closed = False
        self.asked = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def validate(self, secret, permission):
        # The secret itself is not kept.
        question = (hashlib.sha256(secret.encode()).digest(), permission)
        with self._lock:
            answer = self._known(question)
            stream = self._streams
        if answer is not None:
            return answer
        self.asked += 1
        answer = self._validation.ValidateKey(
            validation_service_pb2.ValidateKeyRequest(secret=secret, permission=permission), timeout=5)
        with self._lock:
            if stream == self._streams:
                self._keep(question, answer)
        return answer

    def wait_for(self, revision, timeout=10):
        """Returns once nothing is served that the change of a revision has made wrong: whether that is so in time."""
        with self._lock:
            return self._lock.wait_for(lambda: self._revision is not None and self._revision >= revision, timeout)

    def close(self):
        self._is_closed = True
        self._channel.close()

    def _known(self, question):
        answer, wall, monotonic = self._answers.get(question, (None, 0, 0))
        # Both clocks: one that is set back shall not make a verdict last longer.
        if self._revision is None or answer is None or time.time() >= wall or time.monotonic() >= monotonic:
            return None
        return answer

    def _keep(self, question, answer):
        # Verdicts that name no key have no revision, and no change of a key would drop them. One that is older than what
        # has been told may be from before a change that was told while the answer was on its way.
        if self._revision is None or not answer.key_id or answer.revision < self._revision:
            return
        wall = monotonic = float("inf")
        if answer.HasField("valid_until_time"):
            end = answer.valid_until_time
            wall = end.seconds + end.nanos / 1e9
            monotonic = time.monotonic() + wall - time.time()
        if len(self._answers) >= self.LIMIT:
            self._drop_all()
        self._answers[question] = (answer, wall, monotonic)
        self._questions.setdefault(answer.key_id, set()).add(question)

    def _drop_all(self):
        self._answers.clear()
        self._questions.clear()

    def _watch(self):
        while not self._is_closed:
            try:
                for event in self._keys.WatchKeys(key_service_pb2.WatchKeysRequest(), wait_for_ready=True):
                    with self._lock:
                        for question in self._questions.pop(event.key.id, ()):
                            self._answers.pop(question, None)
                        self._revision = event.revision
                        self._lock.notify_all()
            except grpc.RpcError as error:
                if not self._is_closed:
                    print("not caching for now:", error.details(), file=sys.stderr)
            except ValueError:
                pass  # The channel was closed here.
            finally:
                # Changes may be missed from here on.
                with self._lock:
                    self._revision = None
                    self._streams += 1
                    self._drop_all()
            time.sleep(1)


def main():
    cache = CachedValidation("unix:" + (sys.argv[1] if len(sys.argv) > 1 else "/run/keyward/keyward.sock"))
    cache.wait_for(0)
    for line in sys.stdin:
        before = cache.asked
        answer = cache.validate(line.strip(), key_pb2.PERMISSION_CHAT)
        verdict = validation_service_pb2.Verdict.Name(answer.verdict)
        print(verdict, "asked" if cache.asked > before else "cached", flush=True)
    cache.close()


if __name__ == "__main__":
    main()
