"""The targets, and what the measurements say of each."""

from dataclasses import dataclass, field

from figures import ALL_SHAPES, BUSY_SHAPES, Comparison, Figure, by_round, ratio
from place import CPUS
from record import read

FEW, MANY = 10_000, 1_000_000


@dataclass
class Target:
    """A line of the table."""

    what: str
    wanted: str
    #: (label, figure, digits, unit, whether it is met; None for one that is not aimed at)
    found: list = field(default_factory=list)
    note: str = "not measured"

    def add(self, figure, is_met, label="", digits=2, unit=""):
        if figure:
            self.found.append((label, figure, digits, unit, is_met(figure.middle)))

    def tell(self, figure, label, digits=2, unit=""):
        """Adds a figure that is not aimed at, but that the others stand beside."""
        if figure:
            self.found.append((label, figure, digits, unit, None))

    def measured(self):
        if not self.found:
            return self.note
        parts = []
        for label, figure, digits, unit, is_met in self.found:
            aside = " (not aimed at)" if is_met is None else ""
            parts.append((f"{label}{aside}: " if label else "") + figure.text(digits, unit))
        return "; ".join(parts)

    def verdict(self):
        aimed_at = [(label, is_met) for label, *_, is_met in self.found if is_met is not None]
        if not aimed_at:
            return "–"
        missed = [label for label, is_met in aimed_at if not is_met]
        if not missed:
            return "met"
        return "**not met**" if len(missed) == len(aimed_at) else f"**not met** at {', '.join(missed)}"


def at_least(least):
    return lambda value: value >= least


def at_most(most):
    return lambda value: value <= most


def comparison_targets():
    few, hot, many = Comparison(FEW), Comparison(FEW, 100), Comparison(MANY)

    def line(what, wanted, comparison, field, *parts, over="keywardd", under="floor"):
        target = Target(what, wanted)
        for shapes, is_met in parts:
            for label, figure in comparison.ratios(shapes, field, over, under):
                target.add(figure, is_met, label)
        return target

    busy, big, eight = [(8, 1), (64, 1)], [(8, 32)], [(8, 1)]
    by_grpc = {"over": "keywardd-grpc", "under": "grpc-go"}
    rate, cpu = "per_second", "server_cpu_ns"
    return [
        line("requests/s against the floor", "≥ 0.95", few, rate, (BUSY_SHAPES, at_least(0.95))),
        line("the same with a hot set of 100", "≥ 0.95", hot, rate, (BUSY_SHAPES, at_least(0.95))),
        line("server CPU per request against the floor", "≤ 1.10", few, cpu, (ALL_SHAPES, at_most(1.1))),
        line(
            "p99 latency against the floor", "≤ 1.25", few, "p99_ns", ([(64, 1), (8, 32)], at_most(1.25))
        ),
        line(
            "requests/s against Redis GET", "≥ 1.15; at 8×32 ≥ 2.2", few, rate, (busy, at_least(1.15)),
            (big, at_least(2.2)), under="redis",
        ),
        line(
            "requests/s against Go ttrpc", "≥ 3 at 64×1; ≥ 25 at 8×32", few, rate, ([(64, 1)], at_least(3)),
            (big, at_least(25)), under="go",
        ),
        line(
            "requests/s with a million keys, against the floor with a million", "≥ 0.95", many, rate,
            (BUSY_SHAPES, at_least(0.95)),
        ),
        line(
            "by gRPC: requests/s against grpc-go", "≥ 2 at 8×1; ≥ 5 at 8×32", few, rate, (eight, at_least(2)),
            (big, at_least(5)), **by_grpc,
        ),
        line(
            "by gRPC: server CPU per request against grpc-go", "≤ 0.6 at 8×1; ≤ 0.25 at 8×32", few, cpu,
            (eight, at_most(0.6)), (big, at_most(0.25)), **by_grpc,
        ),
    ]


def write_targets():
    _, lines = read("during-creates")
    during = Target("validate p99 while 64 writers create keys, against without", "≤ 1.5")
    during.add(ratio(by_round(lines, "p99_ns", writers=64), by_round(lines, "p99_ns", writers=0)), at_most(1.5), "p99")
    speed = ratio(by_round(lines, "per_second", writers=64), by_round(lines, "per_second", writers=0))
    during.tell(speed, "validations/s")
    created = Figure.of(by_round(lines, "creates_per_second", writers=64).values())
    during.tell(created, "creates/s meanwhile", 0)

    _, lines = read("creates")
    together = Target("creates/s by 64 writers against one", "≥ 8")
    single = Target("one create, p50, against a bare SQLite commit", "≤ 1.3")
    for disk, label in (("as it is", "this disk"), ("slow", "syncs of a millisecond")):
        one, many = {"connections": 1, "disk": disk}, {"connections": 64, "disk": disk}
        rates = [by_round(lines, "per_second", protocol="create", **writers) for writers in (many, one)]
        together.add(ratio(*rates), at_least(8), label)
        create = by_round(lines, "p50_ns", protocol="create", **one)
        single.add(ratio(create, by_round(lines, "p50_ns", protocol="commit", disk=disk)), at_most(1.3), label)
    return [during, together, single]


def start_targets():
    _, lines = read("start")

    def values(name, count):
        return Figure.of(by_round(lines, name, keys=count).values())

    none, many = values("resident", 0), values("resident", MANY)
    per_key = Target("resident bytes per key at a million", "≤ 200")
    if none and many:
        per_key.add(Figure.of([(many.middle - none.middle) / MANY]), at_most(200), digits=0)
    start = Target("resident memory without keys; start to READY", "≤ 12 MB; ≤ 50 ms, ≤ 1,500 ms")
    if none:
        scaled = Figure(none.middle / 1e6, none.low / 1e6, none.high / 1e6)
        start.add(scaled, at_most(12), "no keys", 1, " MB")
    start.add(values("ready_ms", FEW), at_most(50), "10,000 keys", 0, " ms")
    start.add(values("ready_ms", MANY), at_most(1500), "a million", 0, " ms")
    return [per_key, start]


def other_targets():
    about, lines = read("lists")
    lists = Target(
        "list by text over a million keys, first page and total, among validations",
        "p50 ≤ 5 ms, p99 ≤ 20 ms; validations ≥ 0.9",
    )
    if about and about["keys"] == MANY:
        for label, name, most in (("p50", "p50_ns", 5), ("p99", "p99_ns", 20)):
            values = by_round(lines, name, protocol="list", validations=True).values()
            lists.add(Figure.of(value / 1e6 for value in values), at_most(most), label, 2, " ms")
        speed = ratio(by_round(lines, "per_second", lists=True), by_round(lines, "per_second", lists=False))
        lists.add(speed, at_least(0.9), "validations/s with lists against without")

    _, lines = read("processes")
    process = Target("`keyward validate`, whole process, against `redis-cli GET`", "≤ 1.0")
    process.add(ratio(*(by_round(lines, "p50_ns", server=name) for name in ("keyward", "redis-cli"))), at_most(1))

    _, lines = read("busy-poll")
    poll = Target("p50 round trip with `busy_poll`, against Redis", "≤ 0.4")
    poll.add(ratio(*(by_round(lines, "p50_ns", server=name) for name in ("polling", "redis"))), at_most(0.4))

    pause = Target("longest pause as the index grows", "≤ 1 ms")
    about, lines = read("index-growth")
    if about:
        label = f"a key's way into it, of {about['keys']:,}, in processor time"
        longest = Figure.of(value / 1e6 for value in by_round(lines, "max_ns").values())
        pause.add(longest, at_most(1), label, 2, " ms")
    _, lines = read("growth")
    # What the import's processes and the host take of the processors is in these.
    for line in sorted(lines, key=lambda line: not line["growing"]):
        when = "while keys are imported" if line["growing"] else "while nothing happens"
        pause.tell(Figure.of([line["max_ns"] / 1e6]), f"longest validation {when}", 2, " ms")

    _, lines = read("cores")
    scaling = Target("validations/s on two cores against one", "more; at 64×1 where the load has a third")
    runs = [("batches", "validate-batch", (8, 4)), ("8×32", "validate", (8, 32)), ("64×1", "validate", (64, 1))]
    for label, protocol, shape in runs:
        wanted = {"protocol": protocol, "connections": shape[0], "in_flight": shape[1]}
        values = [by_round(lines, "per_second", server=name, **wanted) for name in ("two", "one")]
        # With two in all the load shares one with the server, and at 64×1 it needs as much of it.
        if shape == (64, 1) and len(CPUS) < 3:
            scaling.tell(ratio(*values), label)
        else:
            scaling.add(ratio(*values), at_least(1.0001), label)
    allocations = Target("heap allocations per validation in steady state", "0", note="counted by a test, not here")
    return [lists, process, poll, pause, scaling, allocations]


def all_targets():
    return comparison_targets() + write_targets() + start_targets() + other_targets()
