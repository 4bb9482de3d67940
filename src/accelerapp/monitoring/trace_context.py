"""The one hook by which monitoring learns of the current trace, without knowing who traces."""

from __future__ import annotations

from collections.abc import Callable

#: Returns (trace id, span id) as lower-case hexadecimal, or None outside of any span.
CurrentTrace = Callable[[], "tuple[str, str] | None"]


def _no_trace() -> tuple[str, str] | None:
    return None


_current: CurrentTrace = _no_trace


def current_trace() -> tuple[str, str] | None:
    """Return the ids of the span that is current where this is called, or None.

    Never raises: a provider that fails must not take a log line with it.
    """
    try:
        return _current()
    except Exception:  # noqa: BLE001 - whatever the provider does, logging goes on
        return None


def traces() -> bool:
    """Tell whether anybody traces here, without asking for the current trace."""
    return _current is not _no_trace


def set_current_trace(provider: CurrentTrace | None) -> None:
    """Replace the hook; None restores the one that knows no trace."""
    global _current
    _current = _no_trace if provider is None else provider
