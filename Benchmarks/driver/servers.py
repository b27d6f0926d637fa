"""The servers that are measured. Each is started on processors of its own, and ended with the `with` that holds it."""

import os
import socket
import subprocess
import time
from pathlib import Path

from place import PROGRAMS, SERVER_CPU, Failure, end, output_of, pinned

PATIENCE = 120


class Server:
    """A process that listens on a Unix socket."""

    name = "server"
    protocol = "validate"

    def __init__(self, sockets, cpus=SERVER_CPU, label=None):
        self.label = label or self.name
        self.cpus = cpus
        self.folder = Path(sockets)
        self.socket = self.folder / f"{self.label}.sock"
        self.log = self.folder / f"{self.label}.log"
        self.process = None

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        began = time.monotonic()
        self.start()
        try:
            self.wait(began + PATIENCE)
            self.ready_seconds = time.monotonic() - began
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end(self.process)

    def start(self, **options):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                pinned(self.cpus, self.command()), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
            )

    def wait(self, until):
        """Waits until it takes connections."""
        while True:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
                try:
                    trial.connect(str(self.socket))
                    return
                except OSError:
                    pass
            self.check(until)
            time.sleep(0.002)

    def check(self, until):
        """Raises where it has ended, or should be ready by now."""
        if self.process.poll() is not None or time.monotonic() > until:
            said = self.log.read_text(errors="replace").strip().splitlines()
            raise Failure(f"{self.label} did not start: {said[-1] if said else 'it said nothing'}")

    def prepare(self):
        """What is to be done before the first measurement."""

    @property
    def pid(self):
        # setpriv and taskset have become the server itself.
        return self.process.pid

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failure(f"the kernel does not tell {self.label}'s memory")


class Floor(Server):
    name = "floor"

    def __init__(self, sockets, keys, **options):
        super().__init__(sockets, **options)
        self.keys = keys

    def command(self):
        return [PROGRAMS / "floor", self.socket, self.keys]


class GoTTRPC(Floor):
    name = "go"

    def command(self):
        return [PROGRAMS / "ttrpc-in-go", self.socket, self.keys]


class GRPCGo(Floor):
    name = "grpc-go"
    protocol = "grpc-validate"

    def command(self):
        return [PROGRAMS / "grpc-in-go", self.socket, self.keys]


class Redis(Server):
    name = "redis"
    protocol = "redis-get"

    def __init__(self, sockets, keys, reply_size, **options):
        super().__init__(sockets, **options)
        self.keys = keys
        self.reply_size = reply_size

    def command(self):
        options = {"port": "0", "unixsocket": self.socket, "save": "", "appendonly": "no", "dir": self.folder}
        return [PROGRAMS / "redis-server", *(word for name, value in options.items() for word in (f"--{name}", value))]

    def prepare(self):
        commands = [PROGRAMS / "load", "--redis-commands", str(self.reply_size), "--keys", self.keys]
        with subprocess.Popen(commands, stdout=subprocess.PIPE) as filler:
            output_of(["redis-cli", "-s", self.socket, "--pipe"], stdin=filler.stdout, timeout=PATIENCE)
        if filler.returncode != 0:
            raise Failure("Redis could not be filled")


class Keywardd(Server):
    name = "keywardd"

    def __init__(self, sockets, database, settings="", environment=None, **options):
        super().__init__(sockets, **options)
        self.environment = environment or {}
        self.database = database
        self.config = self.folder / f"{self.label}.toml"
        self.config.write_text(settings)
        self.notices = None

    def command(self):
        paths = {"config": self.config, "socket": self.socket, "database": self.database}
        return [PROGRAMS / "keywardd", *(word for name, path in paths.items() for word in (f"--{name}", path))]

    def start(self, **options):
        path = self.folder / f"{self.label}.notify"
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(path))
        unit = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # As keyward.service has it.
        super().start(env={**os.environ, **unit, **self.environment, "NOTIFY_SOCKET": str(path)}, **options)

    def wait(self, until):
        """Waits for what it tells systemd: READY=1."""
        with self.notices:
            self.notices.settimeout(0.05)
            while True:
                try:
                    if b"READY=1" in self.notices.recv(4096).split(b"\n"):
                        break
                except TimeoutError:
                    self.check(until)
        (self.folder / f"{self.label}.notify").unlink()

    def __exit__(self, *_):
        super().__exit__()
        self.notices.close()
        (self.folder / f"{self.label}.notify").unlink(missing_ok=True)


class OverGRPC:
    """A running keywardd, asked by gRPC: the same process on the same socket."""

    label = "keywardd-grpc"
    protocol = "grpc-validate"

    def __init__(self, server):
        self.socket = server.socket
        self.pid = server.pid
