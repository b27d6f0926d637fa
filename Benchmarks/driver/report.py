"""The report: a Markdown table of the targets, tables of the comparisons, and the plot."""

import record
from compare import SERVERS, SHAPES
from figures import all_comparisons
from plot import plot
from targets import all_targets


def write_report(results):
    """Writes results.md and results.svg from all that was measured.
    - Returns: the table of targets, with what it was measured on."""
    comparisons = all_comparisons(record.folder)
    head = "\n".join([*machine_lines(), "", *target_table()])
    parts = ["# What the bench measured", "", head]
    for comparison in comparisons:
        parts += ["", *comparison_table(comparison)]
    parts += ["", *growth_table()]
    if comparisons:
        (results / "results.svg").write_text(plot(comparisons), encoding="utf-8")
        parts += ["", "![The comparisons as bars](results.svg)"]
    (results / "results.md").write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    return head


def machine_lines():
    """One line for each state of code and machine that was measured."""
    told = {}
    for path in sorted(record.folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        about, _ = record.read(path.stem)
        words = (
            f"{about['processor']}, {about['processors']} processors, Linux {about['kernel']}; server on processor"
            f" {about['server_cpu']}, load on {about['load_cpu']}; keyward at {about['commit']}"
        )
        told.setdefault(words, []).append(about)
    lines = []
    for words, abouts in told.items():
        busiest = max(about["load_before"] for about in abouts)
        names = ", ".join(about["measurement"] for about in abouts)
        times = f"{abouts[0]['time']} to {abouts[-1]['time']}, load average at most {busiest:.1f}"
        lines.append(f"{words}, {times}: {names}.")
    return lines


def target_table():
    lines = ["| what | target | measured: median (least–most) of the rounds | |", "|---|---|---|---|"]
    for target in all_targets():
        lines.append(f"| {target.what} | {target.wanted} | {target.measured()} | {target.verdict()} |")
    return lines


def comparison_table(comparison):
    about = comparison.about
    lines = [
        f"## {comparison.title}",
        "",
        f"{about['rounds']} rounds of {about['seconds']} s by turns. A ratio is to the floor in the same round. Busy is"
        " how much of its processor the server took, and the load of its own: who is near 100 % bounds the requests/s.",
        "",
        "| shape | server | requests/s | ratio | CPU ns/request | ratio | p50 µs | p99 µs | ratio | busy % | bytes |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for shape in SHAPES:
        for server in SERVERS:
            rate = comparison.figure(server, shape, "per_second")
            if not rate:
                continue
            ratios = [
                comparison.ratio(shape, name, over=server).text() for name in ("per_second", "server_cpu_ns", "p99_ns")
            ]
            plain = [
                f"{comparison.figure(server, shape, name, scale).middle:,.{digits}f}"
                for name, scale, digits in (("server_cpu_ns", 1, 0), ("p50_ns", 1e-3, 1), ("p99_ns", 1e-3, 1))
            ]
            sizes = "/".join(
                f"{comparison.figure(server, shape, name).middle:.0f}" for name in ("request_bytes", "reply_bytes")
            )
            busy = "/".join(
                f"{rate.middle * comparison.figure(server, shape, name).middle / 1e7:.0f}"
                for name in ("server_cpu_ns", "load_cpu_ns")
            )
            lines.append(
                f"| {shape[0]}×{shape[1]} | {server} | {rate.middle:,.0f} | {ratios[0]} | {plain[0]} | {ratios[1]} |"
                f" {plain[1]} | {plain[2]} | {ratios[2]} | {busy} | {sizes} |"
            )
    return lines


def growth_table():
    """How long validations took while the index grew, and while nothing happened; and what growth itself takes."""
    named = []
    about, lines = record.read("growth")
    for line in lines:
        when = "nothing happens"
        if line["growing"]:
            when = f"{about['keys']:,} keys are imported, {line['import_seconds']:.0f} s"
        named.append((f"validations, {about['rate']:,.0f} a second on one connection, while {when}", line))
    about, lines = record.read("index-growth")
    for line in lines:
        named.append((f"each of {about['keys']:,} keys' way into the index, processor time", line))
    if not named:
        return []
    ends = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000]
    table = [
        "## The index grows",
        "",
        "| | " + " | ".join(f"≤ {end:,} µs" for end in ends) + " | more | longest |",
        "|---|" + "---|" * (len(ends) + 2),
    ]
    for name, line in named:
        counts = [0] * (len(ends) + 1)
        for upper, count in line["histogram"]:
            counts[next((index for index, end in enumerate(ends) if upper <= end * 1000), len(ends))] += count
        cells = [name, *(f"{count:,}" for count in counts), f"{line['max_ns'] / 1e6:.2f} ms"]
        table.append(f"| {' | '.join(cells)} |")
    return table
