"""Figures from the raw lines: a ratio for each round, and of the rounds the median and the extremes."""

from dataclasses import dataclass
from statistics import median

from compare import SHAPES, name_of
from record import read


@dataclass
class Figure:
    """The median of several rounds, and how far they lie apart."""

    middle: float
    low: float
    high: float

    @staticmethod
    def of(values):
        values = list(values)
        return Figure(median(values), min(values), max(values)) if values else None

    def text(self, digits=2, unit=""):
        if self.low == self.high:
            return f"{self.middle:,.{digits}f}{unit}"
        return f"{self.middle:,.{digits}f}{unit} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"


def by_round(lines, field, **wanted):
    """A field's value in each round, of the lines that have what is wanted."""
    return {
        line["round"]: line[field]
        for line in lines
        if all(line.get(name) == value for name, value in wanted.items()) and field in line
    }


def ratio(over, under):
    """Round by round."""
    return Figure.of(over[number] / under[number] for number in over if under.get(number))


class Comparison:
    """One comparison: so many keys, all of them or the hot ones."""

    def __init__(self, count, hot=0):
        self.count, self.hot = count, hot
        self.about, self.lines = read(name_of(count, hot))

    def values(self, server, shape, field):
        return by_round(self.lines, field, server=server, connections=shape[0], in_flight=shape[1])

    def figure(self, server, shape, field, scale=1.0):
        return Figure.of(value * scale for value in self.values(server, shape, field).values())

    def ratio(self, shape, field, over="keywardd", under="floor"):
        return ratio(self.values(over, shape, field), self.values(under, shape, field))

    def ratios(self, shapes, field, over="keywardd", under="floor"):
        """(shape, figure) for each shape that was measured."""
        pairs = [(shape, self.ratio(shape, field, over, under)) for shape in shapes]
        return [(f"{shape[0]}×{shape[1]}", figure) for shape, figure in pairs if figure]

    @property
    def title(self):
        return f"{self.count:,} keys" + (f", {self.hot} of them hot" if self.hot else "")


def all_comparisons(folder):
    """Every comparison that was made, the smallest first."""
    found = []
    for path in folder.glob("compare-*.jsonl"):
        words = path.stem.split("-")
        found.append(Comparison(int(words[1]), int(words[3]) if len(words) > 2 else 0))
    return sorted(found, key=lambda one: (one.count, one.hot))


ALL_SHAPES = SHAPES
BUSY_SHAPES = [shape for shape in SHAPES if shape != (1, 1)]
