"""What a check is: a function under a symptom of the README's troubleshooting chapter, which makes one finding.

A new check is one more function with `@check` in one of the modules of `checks/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum

from accelerapp.cli.doctor.stack import NoAnswerError, NotCheckedError, Stack


class Symptom(StrEnum):
    """The headings of the troubleshooting chapter, in its order."""

    METRICS = "Nothing in Prometheus"
    APPLICATION = "The application's numbers are missing"
    RULES = "An alert does not fire"
    NOTIFICATIONS = "No alerts arrive"
    TRACES = "No traces"
    LOGS = "No logs"
    DASHBOARDS = "Dashboards are empty"
    DISKS = "A disk is full, or Elasticsearch is read-only"
    SERIES = "Too many series"
    RESTARTS = "A container restarts"
    FIRING = "An alert of the stack itself fires"


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class On(Enum):
    """Where a check has something to look at."""

    BOTH = 0
    STACK = 1
    OBSERVATORY = 2


@dataclass(frozen=True)
class Finding:
    """What a check found in one line, and in another what mends it."""

    verdict: Verdict
    text: str
    mend: str = ""


def ok(text: str) -> Finding:
    """Return that all is right."""
    return Finding(Verdict.OK, text)


def warning(text: str, mend: str) -> Finding:
    """Return what does not hurt yet, or is meant by some."""
    return Finding(Verdict.WARNING, text, mend)


def failed(text: str, mend: str) -> Finding:
    """Return what is broken."""
    return Finding(Verdict.FAILED, text, mend)


def skipped(reason: str) -> Finding:
    """Return why nothing was looked at."""
    return Finding(Verdict.SKIPPED, f"not checked, because {reason}")


@dataclass(frozen=True)
class Check:
    """A function that looks, with where it stands in the chapter."""

    symptom: Symptom
    title: str
    look: Callable[[Stack], Finding]
    on: On
    mend: str

    def run(self, stack: Stack) -> Finding:
        """Look, whatever is answered: no answer and a strange one are findings too."""
        try:
            return self.look(stack)
        except NotCheckedError as error:
            return skipped(str(error))
        except NoAnswerError as error:
            return failed(str(error), error.mend or self.mend)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return failed(
                f"the answer has another form than expected ({type(error).__name__}: {error})",
                "is the address that of the right part, and its version one that the README names?",
            )


_CHECKS: list[Check] = []


def check(
    symptom: Symptom, title: str, *, mend: str, on: On = On.BOTH
) -> Callable[[Callable[[Stack], Finding]], Callable[[Stack], Finding]]:
    """Register a check.

    Args:
        symptom: The heading that it stands under.
        title: What holds where all is right, in a few words.
        mend: What helps where the part that is asked does not answer at all.
        on: Where there is something to look at.
    """

    def register(look: Callable[[Stack], Finding]) -> Callable[[Stack], Finding]:
        _CHECKS.append(Check(symptom, title, look, on, mend))
        return look

    return register


def checks() -> list[Check]:
    """Return every check in the order of the chapter, and under one heading in the order of the code."""
    from accelerapp.cli.doctor import checks as modules  # its import registers them

    assert modules
    order = list(Symptom)
    return sorted(_CHECKS, key=lambda each: order.index(each.symptom))


def examine(stack: Stack) -> Iterator[tuple[Check, Finding]]:
    """Run each check that has something to look at, one after the other."""
    for each in checks():
        elsewhere = On.STACK if stack.observatory is not None else On.OBSERVATORY
        if each.on is not elsewhere:
            found = each.run(stack)
            yield each, Finding(found.verdict, stack.told(found.text), stack.told(found.mend))
