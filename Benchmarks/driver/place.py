"""Where things are, what the machine is, and the processes and folders that one run must not leave behind."""

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build" / "bench"
PROGRAMS = BENCH / "bin"

CPUS = sorted(os.sched_getaffinity(0))
# One processor for the load, the last for the server; with one alone they share it, and the report says so.
LOAD_CPU = str(CPUS[0])
SERVER_CPU = str(CPUS[-1])
SERVER_CPUS = ",".join(str(cpu) for cpu in (CPUS[-2:] if len(CPUS) > 1 else CPUS))
ALL_CPUS = ",".join(str(cpu) for cpu in CPUS)


class Failure(Exception):
    """What ends the run, told to a person."""


def pinned(cpus, command):
    """The command on these processors alone. It ends when the driver does, even where that is killed."""
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "--cpu-list", cpus, *map(str, command)]


def output_of(command, *, timeout, cpus=LOAD_CPU, **options):
    """What a command prints, which must succeed in time."""
    try:
        done = subprocess.run(
            pinned(cpus, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, **options
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{Path(str(command[0])).name} was not done in {timeout} s") from None
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace").strip()
        raise Failure(f"{Path(str(command[0])).name} ended with {done.returncode}: {text}")
    return done.stdout.decode()


def end(process, patience=20):
    """Ends a process that this run started, and waits until it has."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def scratch():
    """Two folders for one measurement: for sockets, whose paths must be short, and for files on the disk that the
    repository is on, for a commit in a file system of memory would tell nothing."""
    BENCH.mkdir(parents=True, exist_ok=True)
    sockets = Path(tempfile.mkdtemp(prefix="keyward-bench-"))
    files = Path(tempfile.mkdtemp(prefix="work-", dir=BENCH))
    try:
        yield sockets, files
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(files, ignore_errors=True)


def end_on_signals():
    """Has a signal end the run as an exception does, so that everything started is ended and removed."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    # SIGINT too: a shell has it ignored by what it starts in the background.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def machine():
    """What figures depend on besides the code."""
    processor = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    commit = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True
    ).stdout.strip()
    return {
        "commit": commit or "unknown",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processor": processor,
        "processors": len(CPUS),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "server_cpu": SERVER_CPU,
        "load_cpu": LOAD_CPU,
    }
