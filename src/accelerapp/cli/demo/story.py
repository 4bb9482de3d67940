"""The story: healthy traffic, a fault, two alerts, their notifications, the recovery; each step is checked."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx

from accelerapp.cli.demo.observer import Observer

ALERTS = ("CodeGenerationFailures", "HighErrorRate")
SERVICE = "codegen"
_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found, in words, and whether it is what the step expects."""

    text: str
    as_expected: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is done (if anything), what is then expected to be seen, and within how many seconds."""

    name: str
    expected: str
    look: Callable[[], Seen]
    within: float
    act: Callable[[], None] | None = None


@dataclass(slots=True)
class Outcome:
    """How far a step has come: `passed` is None while it is not decided."""

    step: Step
    seen: str = ""
    seconds: float = 0.0
    passed: bool | None = None


class _Looks:
    """What each step looks at; remembers when the story began and which trace it follows."""

    def __init__(self, observer: Observer, window: float) -> None:
        self._observer = observer
        self._window = window
        self._began_ms = time.time() * 1000
        self._trace_id = ""

    def scraped(self) -> Seen:
        up = self._observer.value(f'up{{job="accelerapp",service="{SERVICE}"}}')
        return Seen(f"up is {'absent' if up is None else f'{up:g}'}", up == 1)

    def healthy(self) -> Seen:
        traffic = self._observer.traffic(self._window)
        if traffic is None:
            return Seen("no rate yet", False)
        text = f"{traffic.rate:.1f} requests/s, {traffic.failing:.1%} errors"
        return Seen(text, traffic.rate > 1 and traffic.failing == 0)

    def working(self) -> Seen:
        traffic = self._observer.traffic(self._window)
        if traffic is None:
            return Seen("no rate", False)
        return Seen(f"{traffic.failing:.1%} errors", traffic.failing < 0.05)

    def traced(self) -> Seen:
        found = self._observer.traces(service=SERVICE, start_ms=self._began_ms, limit=5)
        if not found:
            return Seen("no trace", False)
        self._trace_id = found[-1]["trace_id"]
        spans = len(self._observer.trace(self._trace_id)["spans"])
        return Seen(f"{spans} spans in one trace", spans >= 4)

    def logged(self) -> Seen:
        lines = self._observer.logs(trace_id=self._trace_id)
        correlated = sum(1 for line in lines if line["correlation_id"])
        text = f"{len(lines)} lines, {correlated} with a correlation id"
        return Seen(text, bool(lines) and correlated == len(lines))

    def failed_trace(self) -> Seen:
        found = self._observer.traces(service=SERVICE, status="error", start_ms=self._began_ms, limit=1)
        if not found:
            return Seen("no failed trace", False)
        lines = self._observer.logs(trace_id=found[0]["trace_id"], level="ERROR")
        text = lines[-1]["body"] if lines else "a failed trace without an error line"
        return Seen(textwrap.shorten(text, 100, placeholder=" …"), bool(lines))

    def both(self, wanted: str) -> Callable[[], Seen]:
        """Look for both alerts in one state."""

        def look() -> Seen:
            now = self._observer.alert_states()
            found = [now.get(name, "unknown") for name in ALERTS]
            each = ", ".join(map(" ".join, zip(ALERTS, found, strict=True)))
            return Seen(f"both {found[0]}" if len(set(found)) == 1 else each, set(found) == {wanted})

        return look

    def notified(self, status: str) -> Callable[[], Seen]:
        """Look for both alerts in what the webhook was told."""

        def look() -> Seen:
            names = self._observer.received(status, self._began_ms) & set(ALERTS)
            told = "both" if names == set(ALERTS) else ", ".join(sorted(names)) or "none"
            return Seen(f"{told} {status}", names == set(ALERTS))

        return look


def story(observer: Observer, window: float) -> list[Step]:
    """Return the steps in order; `window` is the range window of the alerts as the demo runs it, in seconds."""
    looks = _Looks(observer, window)

    def fault(on: bool) -> Callable[[], None]:
        return lambda: observer.switch_fault(on)

    return [
        Step("service scraped", "up is 1", looks.scraped, 30),
        Step("healthy traffic", "requests and no errors", looks.healthy, 30),
        Step("alerts quiet", "both alerts inactive", looks.both("inactive"), 20),
        Step("traces arrive", "a trace of 4 spans or more", looks.traced, 20),
        Step("logs arrive", "its lines, each with a correlation id", looks.logged, 20),
        Step("fault on: pending", "both alerts pending", looks.both("pending"), 40, fault(on=True)),
        Step("cause visible", "a failed trace and its error line", looks.failed_trace, 20),
        Step("alerts fire", "both alerts firing", looks.both("firing"), 60),
        Step("notified: firing", "the webhook is told of both", looks.notified("firing"), 30),
        Step("fault off: recovery", "fewer than 5 % errors", looks.working, 60, fault(on=False)),
        Step("alerts resolve", "both alerts inactive", looks.both("inactive"), 60),
        Step("notified: resolved", "the webhook is told that both ended", looks.notified("resolved"), 60),
    ]


def play(steps: Sequence[Step], check_programs: Callable[[], None]) -> Iterator[list[Outcome]]:
    """Play the steps, yielding all outcomes after every look; ends after the first step that is not seen in time.

    `check_programs` raises where a program of the demo has ended.
    """
    outcomes = [Outcome(step) for step in steps]
    for outcome in outcomes:
        step = outcome.step
        began = time.monotonic()
        if step.act is not None:
            step.act()
        while outcome.passed is None:
            check_programs()
            seen = _look(step)
            outcome.seen, outcome.seconds = seen.text, time.monotonic() - began
            if seen.as_expected:
                outcome.passed = True
            elif outcome.seconds >= step.within:
                outcome.passed = False
            yield outcomes
            if outcome.passed is None:
                time.sleep(_POLL_SECONDS)
        if not outcome.passed:
            return


def _look(step: Step) -> Seen:
    try:
        return step.look()
    except httpx.HTTPError as error:
        return Seen(f"{type(error).__name__}: {error}", False)
