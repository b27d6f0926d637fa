"""Runs the load generator (load.c)."""

import contextlib
import json
import os
import select
import signal
import subprocess

from place import LOAD_CPU, PROGRAMS, Failure, end, output_of, pinned


def arguments(server, keys, shape, *, protocol=None, seconds=1.0, warm_up=0.2, hot=0, **others):
    connections, in_flight = shape
    options = {
        "protocol": protocol or server.protocol,
        "socket": server.socket,
        "keys": keys,
        "connections": connections,
        "in-flight": in_flight,
        "seconds": seconds,
        "warm-up": warm_up,
        "pid": server.pid,
    }
    if hot:
        options["hot"] = hot
    options |= {name.replace("_", "-"): value for name, value in others.items()}
    words = [PROGRAMS / "load"]
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return words


def load(server, keys, shape, *, cpus=LOAD_CPU, **options):
    """Measures one server once.
    - Returns: what the generator tells; see load.c's report()."""
    command = arguments(server, keys, shape, **options)
    limit = options.get("seconds", 1) + options.get("warm_up", 0.2) + 60
    return {"server": server.label, **json.loads(output_of(command, timeout=limit, cpus=cpus))}


@contextlib.contextmanager
def background_load(server, keys, shape, *, cpus=LOAD_CPU, **options):
    """Keeps a load up for as long as the `with` lasts, from its first reply on; what it holds then is a list with the
    generator's result."""
    result = []
    process = subprocess.Popen(
        pinned(cpus, arguments(server, keys, shape, seconds=1800, tell_start=True, **options)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        # Read without a buffer: communicate() takes the rest from the descriptor too.
        if select.select([process.stdout], [], [], 60)[0] and os.read(process.stdout.fileno(), 9) == b"counting\n":
            yield result
            process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            raise Failure("the load generator did not stop") from None
        if process.returncode != 0 or not output:
            raise Failure(f"the load generator ended with {process.returncode}: {errors.decode().strip()}")
        result.append({"server": server.label, **json.loads(output)})
    finally:
        end(process)
