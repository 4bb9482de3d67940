"""What Linux tells of the machine in /proc, and of which psutil tells nothing or only a part; nothing elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

#: The counters of /proc/vmstat that node_exporter shows.
_VMSTAT = re.compile(r"(oom_kill|pgpg|pswp|pg.*fault).*")


def memory(proc: Path) -> Mapping[str, float]:
    """Return every line of meminfo by node_exporter's name for it, such as `MemTotal_bytes`."""
    found = {}
    for line in _lines(proc / "meminfo"):
        name, _, rest = line.partition(":")
        value, _, unit = rest.strip().partition(" ")
        name = name.replace("(", "_").replace(")", "")
        if unit == "kB":
            found[f"{name}_bytes"] = float(value) * 1024
        else:
            found[name] = float(value)
    return found


def open_files(proc: Path) -> tuple[float, float] | None:
    """Return how many files are open on the whole machine, and how many may be."""
    for line in _lines(proc / "sys" / "fs" / "file-nr"):
        allocated, _, maximum = line.split()
        return float(allocated), float(maximum)
    return None


def paging(proc: Path) -> Mapping[str, float]:
    """Return counters of paging, of page faults and of processes that were killed for their memory."""
    pairs = (line.split() for line in _lines(proc / "vmstat"))
    return {name: float(value) for name, value in pairs if _VMSTAT.fullmatch(name)}


def domain_name(proc: Path) -> str:
    """Return the machine's NIS domain, as uname tells it."""
    return next(iter(_lines(proc / "sys" / "kernel" / "domainname")), "(none)")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
