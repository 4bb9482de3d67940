"""The groups' evaluation on one thread, and what is known of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from accelerapp.server.promql import Engine
from accelerapp.server.rules.definition import Group
from accelerapp.server.rules.evaluation import RuleError, RuleEvaluation
from accelerapp.server.rules.status import GroupStatus
from accelerapp.server.signals import Alert, Clock, Labels
from accelerapp.server.storage.state import State, Transition

log = logging.getLogger(__name__)

Write = Callable[[Sequence[tuple[Labels, int, float]]], None]
Notify = Callable[[Sequence[Alert]], None]


class RuleManager:
    """Evaluates rule groups and hands on their samples and alerts.

    `write` is given the samples (labels, Unix milliseconds, value) of each rule before the next is evaluated,
    `notify` the alerts that are due; `clock` returns Unix seconds. `groups` and `history` may be called from any
    thread.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        engine: Engine,
        write: Write,
        notify: Notify,
        state: State,
        clock: Clock,
        external_url: str = "",
        external_labels: Mapping[str, str] | Labels = (),
    ) -> None:
        self._engine = engine
        self._write = write
        self._notify = notify
        self._state = state
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        labels = dict(external_labels)
        self._running = [
            _RunningGroup(
                group,
                [
                    RuleEvaluation(rule, group, state, external_url.rstrip("/"), labels)
                    for rule in group.rules
                ],
            )
            for group in groups
        ]

    def start(self) -> None:
        """Begin to evaluate, on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float = 30.0) -> None:
        """End the evaluation and wait until the rule that is being evaluated has ended."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
            self._thread = None

    def evaluate(self, group: Group, at: float) -> None:
        """Evaluate a group's rules once, in their order, for the time `at` (Unix seconds)."""
        running = next(running for running in self._running if running.group is group)
        started = time.perf_counter()
        for rule in running.rules:
            if self._stopping.is_set():
                return
            self._evaluate_rule(rule, at)
        running.last_evaluation = at
        running.evaluation_time_seconds = time.perf_counter() - started

    def groups(self) -> list[GroupStatus]:
        """Return a snapshot of every group, its rules and their alerts."""
        return [
            GroupStatus(
                group=running.group,
                rules=tuple(rule.status for rule in running.rules),
                evaluation_time_seconds=running.evaluation_time_seconds,
                last_evaluation=running.last_evaluation,
            )
            for running in self._running
        ]

    def history(self, rule: str, since: float = 0.0) -> list[Transition]:
        """Return the changes of state of the rules with this name from `since` (Unix seconds) on, in order."""
        keys = [
            each.rule.key for running in self._running for each in running.rules if each.rule.name == rule
        ]
        found = [transition for key in keys for transition in self._state.transitions(key, since)]
        return sorted(found, key=lambda transition: transition.at)

    def _evaluate_rule(self, rule: RuleEvaluation, at: float) -> None:
        started = time.perf_counter()
        problem = ""
        try:
            samples = rule.evaluate(self._engine, at)
            due = rule.to_send(at)
            if due:
                self._notify(due)
            if samples:
                self._write(samples)
        except RuleError as error:
            problem = str(error)
            log.warning("rule %s was not evaluated: %s", rule.rule.name, error)
        except Exception as error:  # one rule's failure must not end the evaluation of the others
            problem = f"{type(error).__name__}: {error}"
            log.exception("rule %s failed", rule.rule.name)
        rule.ended(at, time.perf_counter() - started, problem)

    def _run(self) -> None:
        due = {id(running): running.group.slot(self._clock()) for running in self._running}
        while self._running and not self._stopping.is_set():
            for running in self._running:
                slot = running.group.slot(self._clock())
                # Slots that went by while others were evaluated are missed, as in Prometheus: never made up for.
                if slot > due[id(running)]:
                    due[id(running)] = slot
                    self.evaluate(running.group, running.group.slot_time(slot))
            nearest = min(running.group.slot_time(due[id(running)] + 1) for running in self._running)
            self._stopping.wait(max(0.001, nearest - self._clock()))


class _RunningGroup:
    def __init__(self, group: Group, rules: Sequence[RuleEvaluation]) -> None:
        self.group = group
        self.rules = rules
        self.last_evaluation: float | None = None
        self.evaluation_time_seconds = 0.0
