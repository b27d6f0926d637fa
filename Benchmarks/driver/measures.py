"""The measurements besides the comparison. Each can be made alone."""

import contextlib
import json
import os
import sys
import time

from keylist import database, fill, key_list, redis_name, secrets_of
from loads import background_load, load
from place import ALL_CPUS, PROGRAMS, SERVER_CPU, SERVER_CPUS, Failure, output_of, scratch
from record import Record
from servers import Floor, Keywardd, Redis


def start(options):
    """From before the start to READY, and the memory that is resident then."""
    with Record("start", rounds=options.rounds) as record, scratch() as (sockets, files):
        for count in [0, options.few, options.many]:
            path = database(count, files)
            with Keywardd(sockets, path, cpus=ALL_CPUS):
                pass  # the first start of an empty database makes its tables
            for number in range(options.rounds):
                with Keywardd(sockets, path, cpus=ALL_CPUS) as server:
                    at_ready = server.resident_bytes()
                    # What the start alone needed goes back to the kernel meanwhile, if it ever does.
                    time.sleep(options.settle)
                    record.add(
                        {
                            "keys": count,
                            "ready_ms": server.ready_seconds * 1000,
                            "resident_at_ready": at_ready,
                            "resident": server.resident_bytes(),
                        },
                        round=number,
                    )
            path.unlink()


#: The disk that the repository is on, and as if each sync took it a millisecond at least.
DISKS = {"as it is": {}, "slow": {"LD_PRELOAD": str(PROGRAMS / "slow-sync.so")}}


def creates(options):
    """Keys made by one writer and by 64, and SQLite's commit alone, on the same disk."""
    with Record("creates", rounds=options.rounds) as record, scratch() as (sockets, files):
        keys = key_list(options.few)
        for disk, environment in DISKS.items():
            folder = files / disk.replace(" ", "-")
            folder.mkdir(mode=0o700)
            with Keywardd(sockets, database(options.few, folder), environment=environment) as server:
                for number in range(options.rounds):
                    for writers in (1, 64):
                        line = load(
                            server, keys, (writers, 1), protocol="create", seconds=options.seconds,
                            warm_up=options.warm_up, prefix=f"by {writers} in {number}",
                        )
                        record.add(line, round=number, disk=disk)
                    line = commits(folder / f"bare-{number}.db", options, environment)
                    record.add(line, round=number, disk=disk, server="sqlite")


def commits(path, options, environment):
    """SQLite's commits of one row each."""
    command = [PROGRAMS / "commit", path, str(max(50, int(1000 * options.seconds)))]
    return json.loads(output_of(command, timeout=300, cpus=SERVER_CPU, env={**os.environ, **environment}))


def during_creates(options):
    """Validations with 64 writers at work, and without them."""
    shape = (8, 1)
    with Record("during-creates", rounds=options.rounds) as record, scratch() as (sockets, files):
        keys = key_list(options.few)
        times = {"seconds": options.seconds, "warm_up": options.warm_up}
        with Keywardd(sockets, database(options.few, files)) as server:
            for number in range(options.rounds):
                record.add(load(server, keys, shape, **times), round=number, writers=0)
                # More than any disk makes durable in that time.
                count = int(100_000 * (options.seconds + options.warm_up + 1))
                writers = {"protocol": "create", "prefix": f"during {number}", "requests": count, "warm_up": 0}
                with background_load(server, keys, (64, 1), **writers) as made:
                    line = load(server, keys, shape, **times)
                record.add(line, round=number, writers=64, creates_per_second=made[0]["per_second"])


def lists(options):
    """Lists by a text over many keys at `--list-rate` a second, with validations at full speed and without."""
    shape = (8, 32)
    seconds = max(options.seconds, 100 / options.list_rate) if not options.quick else options.seconds
    with Record("lists", rounds=options.rounds, keys=options.many) as record, scratch() as (sockets, files):
        keys = key_list(options.many)
        times = {"seconds": seconds, "warm_up": options.warm_up}
        paced = {"protocol": "list", "rate": options.list_rate, "skip_late": True}
        with Keywardd(sockets, database(options.many, files), cpus=options.list_cpus) as server:
            for number in range(options.rounds):
                record.add(load(server, keys, shape, **times), round=number, lists=False)
                with background_load(server, keys, (1, 1), warm_up=0, **paced) as listed:
                    line = load(server, keys, shape, **times)
                record.add(line, round=number, lists=True)
                record.add(listed[0], round=number, validations=True)
                record.add(load(server, keys, (1, 1), **times, **paced), round=number, validations=False)


def processes(options):
    """`keyward validate` and `redis-cli GET` as whole processes, by turns."""
    with Record("processes", rounds=options.rounds) as record, scratch() as (sockets, files):
        keys = key_list(options.few)
        secret = secrets_of(keys, 1)[0]
        holder = files / "secret"
        holder.write_text(secret + "\n")
        holder.chmod(0o600)
        with Keywardd(sockets, database(options.few, files)) as server, Redis(sockets, keys, 80) as redis:
            validate = [PROGRAMS / "keyward", "validate", "--permission", "chat", "--file", holder]
            get = ["redis-cli", "-s", redis.socket, "GET", redis_name(secret)]
            turns = 4 if options.quick else 40
            command = [PROGRAMS / "spawn", str(turns), *validate, "--socket", server.socket, "--", *get]
            for number in range(options.rounds):
                lines = output_of(command, timeout=120).splitlines()
                for name, line in zip(["keyward", "redis-cli"], lines, strict=True):
                    record.add(json.loads(line), round=number, server=name)


def cores(options):
    """keywardd on one processor and on two. A batch is nearly all the server's work, so that it tells most where the
    load has no processor of its own."""
    with Record("cores", rounds=options.rounds) as record, scratch() as (sockets, files):
        keys = key_list(options.few)
        with contextlib.ExitStack() as stack:
            both = []
            for label, cpus in (("one", None), ("two", SERVER_CPUS)):
                folder = files / label
                folder.mkdir(mode=0o700)
                more = {"cpus": cpus} if cpus else {}
                both.append(
                    stack.enter_context(Keywardd(sockets, database(options.few, folder), label=label, **more))
                )
            times = {"seconds": options.seconds, "warm_up": options.warm_up}
            for number in range(options.rounds):
                for protocol, shape in (("validate-batch", (8, 4)), ("validate", (64, 1)), ("validate", (8, 32))):
                    for server in both:
                        line = load(server, keys, shape, protocol=protocol, **times)
                        record.add(line, round=number, cpus=server.cpus)


def busy_poll(options):
    """The round trip of one connection with `[server] busy_poll`, without it, of the floor and of Redis."""
    with Record("busy-poll", rounds=options.rounds) as record, scratch() as (sockets, files):
        keys = key_list(options.few)
        with contextlib.ExitStack() as stack:
            several = [stack.enter_context(Floor(sockets, keys)), stack.enter_context(Redis(sockets, keys, 80))]
            for label, settings in (("sleeping", ""), ("polling", '[server]\nbusy_poll = "50us"\n')):
                folder = files / label
                folder.mkdir(mode=0o700)
                daemon = Keywardd(sockets, database(options.few, folder), settings=settings, label=label)
                several.append(stack.enter_context(daemon))
            times = {"seconds": options.seconds, "warm_up": options.warm_up}
            for number in range(options.rounds):
                for server in several:
                    record.add(load(server, keys, (1, 1), **times), round=number)


def growth(options):
    """Validations at a steady pace while the index grows from a hundred keys to many, and while nothing happens."""
    # The load goes first, so that it waits for the server alone and not for the import's processor itself.
    pace = {"rate": options.growth_rate, "buckets": True, "first": True}
    with Record("growth", keys=options.many, rate=options.growth_rate) as record, scratch() as (sockets, files):
        hot, many = key_list(100, "Grown"), key_list(options.many)
        with Keywardd(sockets, files / "grown.db", cpus=ALL_CPUS) as server:
            fill(server, hot)
            # About as long as the import, for what the machine does by itself comes seldom.
            steady = max(25 * options.seconds, 1)
            record.add(load(server, hot, (1, 1), seconds=steady, cpus=ALL_CPUS, **pace), growing=False)
            began = time.monotonic()
            with background_load(server, hot, (1, 1), warm_up=0, cpus=ALL_CPUS, **pace) as during:
                fill(server, many)
                seconds = time.monotonic() - began
            record.add(during[0], growing=True, import_seconds=seconds)


def index_growth(options):
    """The processor time of each key's way into the rules and the index alone, from the first to many."""
    with Record("index-growth", rounds=options.rounds, keys=options.many) as record:
        command = [PROGRAMS / "index-growth", str(options.many)]
        for number in range(options.rounds):
            record.add(json.loads(output_of(command, timeout=600, cpus=SERVER_CPU)), round=number)


MEASURES = {
    "start": start,
    "creates": creates,
    "during-creates": during_creates,
    "lists": lists,
    "processes": processes,
    "cores": cores,
    "busy-poll": busy_poll,
    "growth": growth,
    "index-growth": index_growth,
}


def try_busy_poll(options):
    """The same among others, where it is no fault that this keywardd knows no such setting."""
    try:
        busy_poll(options)
    except Failure as failure:
        if "busy_poll" not in str(failure):
            raise
        print(f"busy-poll was not measured: {failure}", file=sys.stderr)
