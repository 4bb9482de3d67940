"""Metrics as text: Prometheus' exposition format 0.0.4 and OpenMetrics 1.0."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate

from accelerapp.monitoring import FamilySnapshot
from accelerapp.monitoring.children import Exemplar, HistogramState

TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def format_value(value: float) -> str:
    """Return a sample value: whole numbers without a fraction, NaN and infinities as Prometheus writes them."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def format_bound(bound: float) -> str:
    """Return a value of the label `le`, always as a float: `1.0`, as OpenMetrics asks."""
    return "+Inf" if math.isinf(bound) else repr(bound)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _escape_quoted(text: str) -> str:
    return _escape(text).replace('"', '\\"')


def _labels(names: Sequence[str], values: Sequence[str], le: str | None = None) -> str:
    pairs = [f'{name}="{_escape_quoted(value)}"' for name, value in zip(names, values, strict=True)]
    if le is not None:
        pairs.append(f'le="{le}"')
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _samples(
    family: FamilySnapshot, *, with_sums: bool = True, with_exemplars: bool = False
) -> Iterable[str]:
    for values, reading in family.values:
        if isinstance(reading, HistogramState):
            exemplars = reading.exemplars if with_exemplars else ()
            yield from _histogram(family, values, reading, exemplars, with_sums)
        else:
            yield f"{family.exported_name}{_labels(family.labelnames, values)} {format_value(reading)}"


def _histogram(
    family: FamilySnapshot,
    values: Sequence[str],
    state: HistogramState,
    exemplars: Sequence[Exemplar | None],
    with_sum: bool,
) -> Iterable[str]:
    name = family.exported_name
    bounds = (*family.bounds, math.inf)
    told = [_exemplar(each) for each in exemplars] or [""] * len(bounds)
    for bound, count, exemplar in zip(bounds, accumulate(state.counts), told, strict=True):
        yield f"{name}_bucket{_labels(family.labelnames, values, format_bound(bound))} {count}{exemplar}"
    if not with_sum:
        return
    labels = _labels(family.labelnames, values)
    yield f"{name}_sum{labels} {format_value(state.sum)}"
    yield f"{name}_count{labels} {state.count}"


def _exemplar(exemplar: Exemplar | None) -> str:
    if exemplar is None:
        return ""
    labels = _labels(("trace_id", "span_id"), (exemplar.trace_id, exemplar.span_id))
    return f" # {labels} {format_value(exemplar.value)} {exemplar.at:.3f}"


def render_text(families: Iterable[FamilySnapshot]) -> str:
    """Return the text exposition format 0.0.4, in which a counter may have any name."""
    lines: list[str] = []
    for family in families:
        if family.description:
            lines.append(f"# HELP {family.exported_name} {_escape(family.description)}")
        lines.append(f"# TYPE {family.exported_name} {family.type}")
        lines.extend(_samples(family))
    return "\n".join(lines) + "\n"


def render_openmetrics(families: Iterable[FamilySnapshot]) -> str:
    """Return OpenMetrics 1.0, with the exemplars of histograms.

    There a counter's samples must end in `_total`, its family's name not. A counter of another name, or one
    whose family would bear the name of another metric, is exposed as `unknown` under its own name.
    """
    listed = list(families)
    names = {family.exported_name for family in listed}
    lines: list[str] = []
    for family in listed:
        name, kind = family.exported_name, str(family.type)
        if kind == "counter":
            base = name.removesuffix("_total")
            name, kind = (base, kind) if base != name and base and base not in names else (name, "unknown")
        lines.append(f"# TYPE {name} {kind}")
        if family.description:
            lines.append(f"# HELP {name} {_escape_quoted(family.description)}")
        # OpenMetrics 1.0 forbids the sum, and with it the count, where observations can be negative.
        with_sums = all(bound >= 0 for bound in family.bounds)
        lines.extend(_samples(family, with_sums=with_sums, with_exemplars=True))
    lines.append("# EOF")
    return "\n".join(lines) + "\n"


def prefers_openmetrics(accept: str | None) -> bool:
    """Tell whether an Accept header (RFC 9110, 12.5.1) ranks OpenMetrics 1.0 at least as high as plain text."""
    openmetrics = plain = 0.0
    for part in (accept or "").split(","):
        media, *parameters = [piece.strip() for piece in part.split(";")]
        options = {
            key.strip().lower(): value.strip().strip('"').lower()
            for key, _, value in (parameter.partition("=") for parameter in parameters)
        }
        weight = _weight(options.get("q", "1"))
        if media.lower() == "application/openmetrics-text" and options.get("version", "1.0.0") == "1.0.0":
            openmetrics = max(openmetrics, weight)
        elif media.lower() == "text/plain" and options.get("version", "0.0.4") == "0.0.4":
            plain = max(plain, weight)
    return openmetrics > 0 and openmetrics >= plain


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
