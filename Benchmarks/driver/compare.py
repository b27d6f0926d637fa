"""The comparison: every server under the same load, by turns."""

import contextlib

from keylist import database, key_list
from loads import load
from place import scratch
from record import Record
from servers import Floor, GoTTRPC, GRPCGo, Keywardd, OverGRPC, Redis

SHAPES = [(1, 1), (8, 1), (64, 1), (8, 32)]
SERVERS = ["floor", "keywardd", "redis", "go", "keywardd-grpc", "grpc-go"]


def name_of(count, hot):
    return f"compare-{count}" + (f"-hot-{hot}" if hot else "")


@contextlib.contextmanager
def servers(sockets, files, count):
    """All servers with the same keys, idle but for the one that is asked."""
    keys = key_list(count)
    with contextlib.ExitStack() as stack:
        floor = stack.enter_context(Floor(sockets, keys))
        # Redis is to answer with as many bytes as the others.
        size = round(load(floor, keys, (1, 1), seconds=0.05, warm_up=0)["reply_bytes"])
        keywardd = stack.enter_context(Keywardd(sockets, database(count, files)))
        yield [
            floor,
            keywardd,
            stack.enter_context(Redis(sockets, keys, size)),
            stack.enter_context(GoTTRPC(sockets, keys)),
            OverGRPC(keywardd),
            stack.enter_context(GRPCGo(sockets, keys)),
        ]


def compare(options, count, hot=0):
    keys = key_list(count)
    about = {"keys": count, "hot": hot, "rounds": options.rounds, "seconds": options.seconds}
    with Record(name_of(count, hot), **about) as record, scratch() as (sockets, files):
        with servers(sockets, files, count) as all_servers:
            for number in range(options.rounds):
                # Nobody is always the first, nor always behind the same one.
                turn = number % len(all_servers)
                for shape in SHAPES:
                    for server in all_servers[turn:] + all_servers[:turn]:
                        line = load(server, keys, shape, seconds=options.seconds, warm_up=options.warm_up, hot=hot)
                        record.add(line, round=number)
