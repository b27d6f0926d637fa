"""The keys: lists of known secrets, and databases that hold them."""

import hashlib
import random
import shutil
import zlib

from place import ALL_CPUS, BENCH, PROGRAMS, Failure, output_of, scratch
from servers import Keywardd

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def secret(source):
    """A secret of keyward's own form: prefix, 30 digits, six digits of CRC-32."""
    body = "kw_chat_" + "".join(source.choices(DIGITS, k=30))
    rest, check = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = DIGITS[digit] + check
    return body + check


def key_list(count, name="Bench"):
    """The path of a list of so many keys for `keyward import`, the same ones every time. With names of this length a
    reply has 80 bytes at ten thousand keys, and 81 at a million for the revision in it is longer."""
    path = BENCH / f"{name.lower()}-{count}.csv"
    if not path.exists():
        BENCH.mkdir(parents=True, exist_ok=True)
        source = random.Random(f"{name} {count}")
        part = path.with_suffix(".part")
        with part.open("w") as file:
            file.write("name,permission,secret\n")
            for number in range(count):
                file.write(f"{name} key {number:07d} of a chat service,chat,{secret(source)}\n")
        part.rename(path)
    return path


def secrets_of(path, count):
    """The first secrets of a list."""
    with path.open() as file:
        next(file)
        return [line.rstrip("\n").split(",")[2] for line, _ in zip(file, range(count))]


def redis_name(value):
    """What the load generator asks Redis for (protocols.c)."""
    return "keyward:key:sha256:" + hashlib.sha256(value.encode()).hexdigest()


def fill(server, path):
    """Imports a list into a running keywardd."""
    output_of([PROGRAMS / "keyward", "import", path, "--socket", server.socket], timeout=600, cpus=ALL_CPUS)


def database(count, folder):
    """A database with the keys of that list, copied into a folder. Imports them once for each build of keywardd."""
    target = folder / f"keyward-{count}.db"
    if count == 0:
        return target
    build = hashlib.sha256((PROGRAMS / "keywardd").read_bytes()).hexdigest()[:12]
    kept = BENCH / f"keys-{count}-{build}.db"
    if not kept.exists():
        for old in BENCH.glob(f"keys-{count}-*.db"):
            old.unlink()
        path = key_list(count)
        with scratch() as (sockets, files):
            with Keywardd(sockets, files / "new.db", cpus=ALL_CPUS) as server:
                fill(server, path)
            if (files / "new.db-wal").exists():
                raise Failure("keywardd left a log behind after a clean stop")
            (files / "new.db").rename(kept)
    shutil.copyfile(kept, target)
    return target
