"""What Jaeger warns of where a span does not fit into its parent, which clocks that differ cause."""

from __future__ import annotations

from collections.abc import Sequence

from accelerapp.server.gotemplate import Duration
from accelerapp.server.signals import Span

_DUPLICATE = "duplicate span IDs; skipping clock skew adjustment"
_ORPHAN = "invalid parent span IDs={parent}; skipping clock skew adjustment"
_DISABLED = "clock skew adjustment disabled; not applying calculated delta of {delta}"


def skew_warnings(spans: Sequence[Span]) -> dict[int, list[str]]:
    """Return the warnings of a trace's spans by their position; times are never moved, as Jaeger's default has it."""
    warnings: dict[int, list[str]] = {}
    by_id: dict[str, Span] = {}
    for position, span in enumerate(spans):
        if by_id.setdefault(span.span_id, span) is not span:
            warnings.setdefault(position, []).append(_DUPLICATE)
    for position, span in enumerate(spans):
        if by_id[span.span_id] is not span or not span.parent_span_id.strip("0"):
            continue
        parent = by_id.get(span.parent_span_id)
        if parent is None:
            warnings.setdefault(position, []).append(_ORPHAN.format(parent=span.parent_span_id))
        elif (_host(span) != _host(parent) or not _host(span)) and (delta := _delta(span, parent)):
            warnings.setdefault(position, []).append(_DISABLED.format(delta=Duration(delta).text()))
    return warnings


def _host(span: Span) -> str:
    return str(span.resource.get("ip", ""))


def _delta(child: Span, parent: Span) -> int:
    """Return by how many nanoseconds the child would be moved to lie in the middle of its parent."""
    child_took, parent_took = child.end_ns - child.start_ns, parent.end_ns - parent.start_ns
    if child_took > parent_took:
        return max(0, parent.start_ns - child.start_ns)
    if child.start_ns >= parent.start_ns and child.end_ns <= parent.end_ns:
        return 0
    return parent.start_ns + (parent_took - child_took) // 2 - child.start_ns
