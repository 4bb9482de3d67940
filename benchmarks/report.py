"""What the benchmarks print: medians with their spread, tables, and the machine they come from."""

from __future__ import annotations

import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from accelerapp import __version__

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"


@dataclass(frozen=True)
class Figure:
    """What several runs gave, in one unit."""

    values: Sequence[float]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        """Return the median, and least and most of the runs where there were several."""
        middle = f"{short(self.median)} {self.unit}".strip()
        if len(self.values) == 1:
            return middle
        return f"{middle} ({short(min(self.values))} to {short(max(self.values))})"


def short(value: float) -> str:
    """Return a number with as many digits as one can use."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


class Searches:
    """Times searches, each several times once it was made for the first time, and keeps the rows of a table."""

    def __init__(self, rounds: int = 9) -> None:
        self._rounds = rounds
        self._rows: list[tuple[str, Figure, Figure, object]] = []

    def measure(
        self, what: str, read: Callable[[], Any], count: Callable[[Any], object] | None = None
    ) -> None:
        """Make a search, and note how long it takes and how much is in its answer, by `count` or its length."""
        note(what)
        answer = read()
        found = count(answer) if count else len(answer) if isinstance(answer, Sized) else ""
        times, used = [], []
        for _ in range(self._rounds):
            begin, begin_used = time.perf_counter(), time.process_time()
            read()
            times.append((time.perf_counter() - begin) * 1000)
            used.append((time.process_time() - begin_used) * 1000)
        self._rows.append((what, Figure(times, ""), Figure(used, ""), found))

    def table(self) -> str:
        return table(["Search", "Time, ms", "Processor, ms", "Found"], self._rows)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """Return in one line what the figures come from."""
    cpu = platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.*)", _read("/proc/cpuinfo"))
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores ({found[1] if found else cpu}), {memory:.0f} GiB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, accelerapp {__version__}"
    )


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for what is measured: by ACCELERAPP_BENCH_DIR on a disk, where /tmp may be memory."""
    return tempfile.TemporaryDirectory(prefix="accelerapp-bench-", dir=os.environ.get("ACCELERAPP_BENCH_DIR"))


def note(line: str) -> None:
    """Tell how far a benchmark is."""
    sys.stderr.write(f"{line}\n")


def write(section: str, text: str) -> None:
    """Put text between the marks of a section of the reference page, and print it."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    page = PAGE.read_text(encoding="utf-8")
    if begin not in page:
        raise SystemExit(f"{PAGE} has no section {begin}")
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
    sys.stdout.write(f"{text}\n")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
