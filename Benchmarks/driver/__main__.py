"""The bench's driver: `python3 Benchmarks/driver [MEASUREMENT] [options]`. `make bench` builds what it needs."""

import argparse
import sys

import record
from compare import compare
from measures import MEASURES, try_busy_poll
from place import ALL_CPUS, BENCH, PROGRAMS, SERVER_CPU, Failure, end_on_signals
from report import write_report


def parse():
    parser = argparse.ArgumentParser(prog="bench", description="Measures keywardd against other servers.")
    parser.add_argument("measurement", nargs="?", default="all", choices=["all", "compare", *MEASURES, "report"])
    parser.add_argument("--keys", type=int, help="compare with so many keys alone (10000 and 1000000)")
    parser.add_argument("--hot", type=int, help="compare with so many of the keys asked for alone (0 and 100)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run (1)")
    parser.add_argument("--warm-up", type=float, default=0.2, help="seconds before each run (0.2)")
    parser.add_argument("--list-rate", type=float, default=20, help="lists a second (20)")
    parser.add_argument("--list-cpus", default=SERVER_CPU, help=f"processors of the server that lists ({SERVER_CPU})")
    parser.add_argument("--growth-rate", type=float, default=2000, help="validations a second during growth (2000)")
    parser.add_argument("--few", type=int, default=10_000, help="keys of most measurements (10000)")
    parser.add_argument("--many", type=int, default=1_000_000, help="keys of start, lists and growth (1000000)")
    parser.add_argument("--settle", type=float, default=1.0, help="seconds from READY to reading the memory (1)")
    parser.add_argument("--quick", action="store_true", help="see that everything works; the figures mean nothing")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.warm_up, options.settle = 1, 0.2, 0.02, 0.0
        options.keys, options.hot, options.few, options.many = 1000, 0, 1000, 2000
    if options.rounds < 1 or options.seconds < 0.02 or options.few < 200 or options.many < 200:
        parser.error("too little to measure: a round, 0.02 seconds and 200 keys at least")
    return options


def comparisons(options):
    counts = [options.keys] if options.keys else [options.few, options.many]
    for count in counts:
        hots = [options.hot] if options.hot is not None else [0] if count == options.many else [0, 100]
        for hot in hots:
            compare(options, count, hot)


def measure(options):
    if options.measurement == "compare":
        comparisons(options)
    elif options.measurement in MEASURES:
        MEASURES[options.measurement](options)
    elif options.measurement == "all":
        comparisons(options)
        for name, measurement in MEASURES.items():
            if name != "busy-poll":
                measurement(options)
        try_busy_poll(options)


def main():
    options = parse()
    end_on_signals()
    results = BENCH / "quick" if options.quick else BENCH
    record.use(results)
    if not PROGRAMS.exists():
        raise Failure("the bench's programs are not built: run make bench")
    measure(options)
    print(write_report(results))
    print(f"the report is {results / 'results.md'}, with results.svg and raw/ beside it", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"bench: {failure}")
