"""The groups' evaluation on one thread, and what is known of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from accelerapp.server.promql import Engine
from accelerapp.server.rules.definition import Group
from accelerapp.server.rules.evaluation import RuleError, RuleEvaluation, as_sent
from accelerapp.server.rules.status import GroupCounts, GroupStatus
from accelerapp.server.signals import STALE_NAN, Alert, Clock, Labels, NativeHistogram
from accelerapp.server.storage.state import State, Transition

log = logging.getLogger(__name__)

Write = Callable[[Sequence[tuple[Labels, int, float]]], None]
WriteHistograms = Callable[[Sequence[tuple[Labels, int, NativeHistogram]]], None]
Notify = Callable[[Sequence[Alert]], None]


class RuleManager:
    """Evaluates rule groups and hands on their samples and alerts.

    `write` is given the samples (labels, Unix milliseconds, value) of each rule before the next is evaluated,
    `write_histograms` those that are native histograms, without which no rule may record these, `notify` the alerts
    that are due; `clock` returns Unix seconds. `groups` and `history` may be called from any thread.
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
        write_histograms: WriteHistograms | None = None,
    ) -> None:
        self._engine = engine
        self._write = write
        self._write_histograms = write_histograms
        self._notify = notify
        self._stored = state.rules
        self._clock = clock
        self._external_url = external_url.rstrip("/")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._changing = threading.Lock()  # held while a group is evaluated, and while the groups are changed
        #: Series of rules that are gone, and the groups to be evaluated before it is known that no other has them.
        self._ended: set[Labels] = set()
        self._unseen: set[tuple[str, str]] = set()
        self._running = self._start(groups, external_labels)

    def start(self) -> None:
        """Begin to evaluate, on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)
        self._thread.start()

    def apply(self, groups: Sequence[Group], external_labels: Mapping[str, str] | Labels = ()) -> None:
        """Evaluate these groups from now on; waits until the one that is being evaluated has ended.

        A rule of the same file, group, name and labels goes on with its alerts, as in Prometheus; the series of those
        that are gone become stale.
        """
        with self._changing:
            before = {rule.rule.key: rule for running in self._running for rule in running.rules}
            known_groups = {running.group.key: running for running in self._running}
            self._running = self._start(groups, external_labels)
            for running in self._running:
                if (same := known_groups.get(running.group.key)) is not None:
                    running.last_evaluation, running.counts = same.last_evaluation, same.counts
                for rule in running.rules:
                    known = before.pop(rule.rule.key, None)
                    if known is not None and known.rule.alerting == rule.rule.alerting:
                        rule.take_over(known)
                    elif known is not None:
                        self._ended |= known.written
            for rule in before.values():
                self._ended |= rule.written
            self._unseen = {running.group.key for running in self._running}
            if not self._unseen:
                self._write_ends(self._clock())
        self._wake.set()

    def _start(
        self, groups: Sequence[Group], external_labels: Mapping[str, str] | Labels
    ) -> list[_RunningGroup]:
        self._external_labels = labels = dict(external_labels)
        url = self._external_url
        return [
            _RunningGroup(
                group, [RuleEvaluation(rule, group, self._stored, url, labels) for rule in group.rules]
            )
            for group in groups
        ]

    def stop(self, timeout_seconds: float = 30.0) -> None:
        """End the evaluation and wait until the rule that is being evaluated has ended."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
            self._thread = None

    def evaluate(self, group: Group, at: float) -> None:
        """Evaluate a group's rules once, in their order, for the time `at` (Unix seconds), if it is still there."""
        with self._changing:
            running = next((running for running in self._running if running.group is group), None)
            if running is None:
                return
            started = time.perf_counter()
            for rule in running.rules:
                if self._stopping.is_set():
                    return
                running.counts.evaluations += 1
                running.counts.failures += not self._evaluate_rule(rule, at)
            running.counts.iterations += 1
            running.last_evaluation = at
            running.evaluation_time_seconds = time.perf_counter() - started
            self._unseen.discard(group.key)
            if self._ended and not self._unseen:
                self._write_ends(at)

    def _write_ends(self, at: float) -> None:
        """Mark the series of rules that are gone as stale, but for those that other rules write since."""
        written = {series for running in self._running for rule in running.rules for series in rule.written}
        ended, self._ended = self._ended - written, set()
        if not ended:
            return
        try:
            self._write([(series, round(at * 1000), STALE_NAN) for series in sorted(ended)])
        except Exception:  # must not end the evaluation; without a marker the look-back ends them
            log.exception("the ends of %d series of former rules were not written", len(ended))

    def groups(self) -> list[GroupStatus]:
        """Return a snapshot of every group, its rules and their alerts."""
        return [
            GroupStatus(
                group=running.group,
                rules=tuple(rule.status for rule in running.rules),
                evaluation_time_seconds=running.evaluation_time_seconds,
                last_evaluation=running.last_evaluation,
                counts=replace(running.counts),
            )
            for running in self._running
        ]

    def as_sent(self, labels: Labels) -> Labels:
        """Return the labels under which an alert with these is sent."""
        return as_sent(labels, self._external_labels)

    def history(self, rule: str, since: float = 0.0) -> list[Transition]:
        """Return the changes of state of the rules with this name from `since` (Unix seconds) on, in order."""
        keys = [
            each.rule.key for running in self._running for each in running.rules if each.rule.name == rule
        ]
        found = [transition for key in keys for transition in self._stored.transitions(key, since)]
        return sorted(found, key=lambda transition: transition.at)

    def _evaluate_rule(self, rule: RuleEvaluation, at: float) -> bool:
        """Evaluate a rule and hand on what comes of it; tell whether that went well."""
        started = time.perf_counter()
        problem = ""
        try:
            samples, histograms = rule.evaluate(self._engine, at)
            due = rule.to_send(at)
            if due:
                self._notify(due)
            if samples:
                self._write(samples)
            if histograms:
                if self._write_histograms is None:
                    raise RuleError("native histograms are not recorded here")
                self._write_histograms(histograms)
        except RuleError as error:
            problem = str(error)
            log.warning("rule %s was not evaluated: %s", rule.rule.name, error)
        except Exception as error:  # one rule's failure must not end the evaluation of the others
            problem = f"{type(error).__name__}: {error}"
            log.exception("rule %s failed", rule.rule.name)
        rule.ended(at, time.perf_counter() - started, problem)
        return not problem

    def _run(self) -> None:
        due: dict[tuple[str, str, float], int] = {}
        while not self._stopping.is_set():
            running_now, before = self._running, due
            due = {}
            for running in running_now:
                group = running.group
                key = (*group.key, group.interval_seconds)
                slot = group.slot(self._clock())
                # Slots that went by while others were evaluated are missed, as in Prometheus: never made up for.
                due[key] = slot
                last = before.get(key, slot)
                if slot > last:
                    missed = slot - last - 1
                    running.counts.missed += missed
                    running.counts.iterations += missed  # Prometheus counts all that were due
                    self.evaluate(group, group.slot_time(slot))
            next_times = [
                running.group.slot_time(due[(*running.group.key, running.group.interval_seconds)] + 1)
                for running in running_now
            ]
            self._wake.wait(max(0.001, min(next_times) - self._clock()) if next_times else None)
            self._wake.clear()


class _RunningGroup:
    def __init__(self, group: Group, rules: Sequence[RuleEvaluation]) -> None:
        self.group = group
        self.rules = rules
        self.last_evaluation: float | None = None
        self.evaluation_time_seconds = 0.0
        self.counts = GroupCounts()
