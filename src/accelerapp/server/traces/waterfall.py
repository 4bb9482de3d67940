"""The rows of a trace's waterfall: depth-first, children by their start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar


class Placed(Protocol):
    """What the place of a span among others depends on."""

    @property
    def span_id(self) -> str: ...

    @property
    def parent_span_id(self) -> str: ...

    @property
    def start_ns(self) -> int: ...


AnySpan = TypeVar("AnySpan", bound=Placed)


class WaterfallRow(NamedTuple, Generic[AnySpan]):
    """A span and where it stands; `orphan` tells that its parent is named but was not received."""

    span: AnySpan
    depth: int
    orphan: bool


def waterfall(spans: Sequence[AnySpan]) -> list[WaterfallRow[AnySpan]]:
    """Order the spans of one trace for display; every span appears once, even where parents form a cycle.

    Where several spans have one id, the earliest of them is the parent of what names it.
    """
    ordered = sorted(spans, key=lambda span: (span.start_ns, span.span_id))
    places: dict[str, int] = {}
    for place, span in enumerate(ordered):
        places.setdefault(span.span_id, place)
    children: dict[int, list[int]] = {}
    roots: list[int] = []
    for place, span in enumerate(ordered):
        parent = places.get(span.parent_span_id)
        if parent is None or span.parent_span_id == span.span_id:
            roots.append(place)
        else:
            children.setdefault(parent, []).append(place)

    rows: list[WaterfallRow[AnySpan]] = []
    seen = bytearray(len(ordered))
    # Spans that are each other's ancestors hang on no root; the earliest of each such ring opens it.
    for start in (*roots, *range(len(ordered))):
        waiting = [] if seen[start] else [(start, 0)]
        while waiting:
            place, depth = waiting.pop()
            if seen[place]:
                continue
            seen[place] = True
            span = ordered[place]
            orphan = bool(span.parent_span_id) and span.parent_span_id not in places
            rows.append(WaterfallRow(span, depth, orphan))
            if below := children.get(place):
                waiting.extend((child, depth + 1) for child in reversed(below))
    return rows
