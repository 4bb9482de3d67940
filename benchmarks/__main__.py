"""Runs the benchmarks of the observatory, one after the other, and writes their tables to the reference page.

`python -m benchmarks [NAME …]` runs some of them; without a name all, in about half an hour on a machine that does
nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import ingest, inputs, log_search, promql_overview, start, trace_search
from benchmarks.report import machine, note, write

_BENCHMARKS: dict[str, Callable[[], None]] = {
    "start": start.main,
    "ingest": ingest.main,
    "inputs": inputs.main,
    "queries": promql_overview.main,
    "traces": trace_search.run,
    "logs": log_search.run,
}


def main() -> None:
    names = sys.argv[1:] or list(_BENCHMARKS)
    unknown = [name for name in names if name not in _BENCHMARKS]
    if unknown:
        raise SystemExit(f"no benchmark {unknown[0]!r}; there are {', '.join(_BENCHMARKS)}")
    for name in names:
        note(f"==> {name}")
        _BENCHMARKS[name]()
    write("machine", f"The observatory's figures are of {machine()}.")


if __name__ == "__main__":
    main()
