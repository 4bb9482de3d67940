"""The rows of a trace's waterfall: depth-first, children by their start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelerapp.server.signals import Span


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """A span and where it stands; `orphan` tells that its parent is named but was not received."""

    span: Span
    depth: int
    orphan: bool


def waterfall(spans: Sequence[Span]) -> list[WaterfallRow]:
    """Order the spans of one trace for display; every span appears once, even where parents form a cycle."""
    by_id = {span.span_id: span for span in spans}
    children: dict[str, list[Span]] = {}
    roots: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start_ns, s.span_id)):
        if span.parent_span_id in by_id and span.parent_span_id != span.span_id:
            children.setdefault(span.parent_span_id, []).append(span)
        else:
            roots.append(span)

    rows: list[WaterfallRow] = []
    seen: set[str] = set()

    def descend(start: Span) -> None:
        stack = [(start, 0)]
        while stack:
            span, depth = stack.pop()
            if span.span_id in seen:
                continue
            seen.add(span.span_id)
            orphan = bool(span.parent_span_id) and span.parent_span_id not in by_id
            rows.append(WaterfallRow(span, depth, orphan))
            stack.extend((child, depth + 1) for child in reversed(children.get(span.span_id, [])))

    for root in roots:
        descend(root)
    # Spans that are each other's ancestors hang on no root; the earliest of each such ring opens it.
    for span in sorted(spans, key=lambda s: (s.start_ns, s.span_id)):
        descend(span)
    return rows
