"""What was measured: one file of JSON lines for each measurement, from which the report is made."""

import json
import sys

from place import machine

folder = None


def use(results):
    """Has everything be written below that folder, and read from there."""
    global folder
    folder = results / "raw"


class Record:
    """The lines of one measurement, the first of which tells of the machine. They take the place of those of the run
    before once all are there."""

    def __init__(self, name, **about):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.jsonl"
        self.part = self.path.with_suffix(".part")
        self.about = {"measurement": name, **machine(), **about}

    def __enter__(self):
        print(f"measuring {self.about['measurement']}", file=sys.stderr)
        self.file = self.part.open("w")
        self.add(self.about)
        return self

    def add(self, line, **more):
        self.file.write(json.dumps({**line, **more}) + "\n")

    def __exit__(self, kind, *_):
        self.file.close()
        if kind is None:
            self.part.rename(self.path)
        else:
            self.part.unlink()


def read(name):
    """A measurement's first line and the others; None and nothing where it was not made."""
    path = folder / f"{name}.jsonl"
    if not path.exists():
        return None, []
    first, *lines = (json.loads(line) for line in path.read_text().splitlines())
    return first, lines
