"""Names of OTLP metrics and attributes as Prometheus' own OTLP receiver translates them.

The strategy is `UnderscoreEscapingWithSuffixes`, Prometheus' default.
"""

from __future__ import annotations

import functools
import re

_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER_UNITS = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}
_NOT_IN_METRIC = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABEL = re.compile(r"[^a-zA-Z0-9]")


def metric_name(name: str, unit: str, *, monotonic: bool = False, gauge: bool = False) -> str:
    """Return a metric's Prometheus name with the suffixes of its unit and kind; empty where none is left."""
    words = [word for word in _NOT_IN_METRIC.split(name) if word]
    main, per = _unit_suffixes(unit)
    if main in words:
        main = ""
    if per in words:
        per = ""
    words += [suffix for suffix in (main, per) if suffix]
    if monotonic:
        words = [word for word in words if word != "total"] + ["total"]
    if gauge and unit == "1":
        words = [word for word in words if word != "ratio"] + ["ratio"]
    joined = "_".join(words)
    return f"_{joined}" if joined[:1].isdigit() else joined


@functools.lru_cache(maxsize=4096)
def label_name(name: str) -> str:
    """Return an attribute's Prometheus label name; empty where none is left."""
    joined = _NOT_IN_LABEL.sub("_", name)
    if not joined.strip("_"):
        return ""
    if joined[0].isdigit():
        return f"key_{joined}"
    return f"key{joined}" if joined[0] == "_" and joined[1] != "_" else joined


def unit_name(unit: str) -> str:
    """Return a unit in Prometheus' form; empty where there is none."""
    joined = "_".join(part for part in _unit_suffixes(unit) if part)
    return joined.removeprefix("_").removesuffix("_")


def _unit_suffixes(unit: str) -> tuple[str, str]:
    main, _, per = (part.strip() for part in unit.partition("/"))
    main = "" if set(main) & set("{}") else _clean(_UNITS.get(main, main))
    per = "" if set(per) & set("{}") else _clean(_PER_UNITS.get(per, per)).removesuffix("_")
    return (main.removesuffix("_") if per else main), f"per_{per}" if per else ""


def _clean(unit: str) -> str:
    return _NOT_IN_METRIC.sub("_", unit).removeprefix("_")
