"""The evaluation of one rule at one time: result, state, samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

from accelerapp.server.gotemplate import Functions, Struct, Template, TemplateError, sample
from accelerapp.server.promql import Engine, PromQLError, Scalar, Vector, parse
from accelerapp.server.rules.alert_state import INACTIVE, ActiveElement, AlertState
from accelerapp.server.rules.definition import Group, Rule
from accelerapp.server.rules.status import AlertStatus, RuleStatus
from accelerapp.server.signals import METRIC_NAME, STALE_NAN, Alert, Labels, NativeHistogram, make_labels
from accelerapp.server.storage.state import StoredRules, Transition

Samples: TypeAlias = list[tuple[Labels, int, float]]
Histograms: TypeAlias = list[tuple[Labels, int, NativeHistogram]]

ALERT_NAME: Final = "alertname"


class RuleError(Exception):
    """A rule could not be evaluated; its alerts and series stay as they were."""


class RuleEvaluation:
    """One rule with what it keeps from one evaluation to the next."""

    def __init__(
        self,
        rule: Rule,
        group: Group,
        stored: StoredRules,
        external_url: str,
        external_labels: Mapping[str, str],
    ) -> None:
        self.rule = rule
        self._group = group
        self._stored = stored
        self._external_url = external_url
        self._external_labels = external_labels
        self._alerts = AlertState(rule.for_seconds, rule.keep_firing_for_seconds, group.time_factor)
        self._restored = not rule.alerting
        self._saved = False
        self._written: set[Labels] = set()
        #: Replaced as a whole after each evaluation, so that other threads read it without a lock.
        self.status = self._status("unknown", "", 0.0, None)

    @property
    def written(self) -> set[Labels]:
        """The series that the last evaluation wrote."""
        return self._written

    def take_over(self, before: RuleEvaluation) -> None:
        """Go on where the same rule was, before its file was read again."""
        self._alerts.take_over(before._alerts)
        self._restored, self._saved, self._written = before._restored, before._saved, before._written
        self.status = replace(before.status, rule=self.rule)

    def evaluate(self, engine: Engine, at: float) -> tuple[Samples, Histograms]:
        """Evaluate at `at` (Unix seconds) and return the samples and native histograms to write; raises RuleError."""
        transitions = self._restore(at)
        labels, values = self._query(engine, at - self._group.query_offset_seconds)
        timestamp = round((at - self._group.query_offset_seconds) * 1000)
        histograms: Histograms = []
        if self.rule.alerting:
            elements = self._elements(labels, values, self._functions(engine, at))
            transitions += self._alerts.advance(elements, at)
            if self._group.limit and self._active_count() > self._group.limit:
                count = self._active_count()
                self._alerts.clear()
                raise RuleError(f"exceeded limit of {self._group.limit} with {count} alerts")
            self._save(at, transitions)
            samples = self._alert_samples(timestamp)
        else:
            samples, histograms = self._recorded(labels, values, timestamp)
        now_written = {series for series, _, _ in (*samples, *histograms)}
        samples.extend((series, timestamp, STALE_NAN) for series in sorted(self._written - now_written))
        self._written = now_written
        return samples, histograms

    def to_send(self, at: float) -> list[Alert]:
        """Return the alerts that are due to be sent at `at` (Unix seconds)."""
        if not self.rule.alerting:
            return []
        # Where Prometheus links to its expression browser, the page has a view of the alert itself.
        link = f"{self._external_url}/alerts/{quote(self.rule.name, safe='')}"
        alerts = self._alerts.to_send(at, self._group.interval_seconds, link)
        if alerts:
            self._save(at, [])
        return [replace(alert, labels=as_sent(alert.labels, self._external_labels)) for alert in alerts]

    def ended(self, at: float, seconds: float, error: str) -> None:
        """Note how the evaluation at `at` (Unix seconds) went; `error` is empty where it went well."""
        self.status = self._status("err" if error else "ok", error, seconds, at)

    def _status(self, health: str, error: str, seconds: float, at: float | None) -> RuleStatus:
        return RuleStatus(
            rule=self.rule,
            health=health,
            last_error=error,
            evaluation_time_seconds=seconds,
            last_evaluation=at,
            alerts=tuple(
                AlertStatus(
                    labels=alert.labels,
                    annotations=alert.annotations,
                    state=alert.state,
                    active_at=alert.active_at,
                    fired_at=alert.fired_at,
                    keep_firing_since=alert.keep_firing_since,
                    value=alert.value,
                )
                for alert in self._alerts.alerts
                if alert.state != INACTIVE
            ),
        )

    def _restore(self, at: float) -> list[Transition]:
        if self._restored:
            return []
        stored = self._stored.load(self.rule.key)
        self._restored = True
        if stored is None:
            return []
        down_at, alerts = stored
        self._saved = bool(alerts)
        return self._alerts.restore(alerts, down_at, at)

    def _save(self, at: float, transitions: list[Transition]) -> None:
        alerts = self._alerts.alerts
        # A quiet rule costs no write.
        if alerts or transitions or self._saved:
            self._stored.save(self.rule.key, at, alerts, transitions)
        self._saved = bool(alerts)

    def _query(self, engine: Engine, at: float) -> tuple[list[Labels], list[float | NativeHistogram]]:
        try:
            result = engine.instant(self.rule.expr, at)
        except PromQLError as error:
            raise RuleError(error.message) from error
        if isinstance(result, Scalar):
            return [()], [result.value]
        if not isinstance(result, Vector):
            raise RuleError("rule result is not a vector or scalar")
        values: list[float | NativeHistogram] = [float(value) for value in result.values]
        for index, histogram in result.histograms.items():
            values[index] = histogram.native()
        return result.labels, values

    def _active_count(self) -> int:
        return sum(alert.state != INACTIVE for alert in self._alerts.alerts)

    def _functions(self, engine: Engine, at: float) -> Functions:
        """Return what a template may call that depends on the evaluation; equal queries of it are made once."""
        results: dict[str, list[Struct]] = {}

        def query(text: str) -> list[Struct]:
            if text not in results:
                results[text] = _samples_of(engine, text, at)
            return results[text]

        return {
            "query": query,
            "now": lambda: at,
            "externalURL": lambda: self._external_url,
            "pathPrefix": lambda: urlsplit(self._external_url).path,
        }

    def _elements(
        self, labels: list[Labels], values: list[float | NativeHistogram], functions: Functions
    ) -> dict[Labels, ActiveElement]:
        elements: dict[Labels, ActiveElement] = {}
        for series, found in zip(labels, values, strict=True):
            value = (
                0.0 if isinstance(found, NativeHistogram) else found
            )  # as an alert's value is in Prometheus
            own = {name: text for name, text in series if name != METRIC_NAME}
            for name, template in self.rule.labels.items():
                own[name] = self._expand(template, series, value, functions)
            own[ALERT_NAME] = self.rule.name
            annotations = {
                name: self._expand(template, series, value, functions)
                for name, template in self.rule.annotations.items()
            }
            key = make_labels(own)
            if key in elements:
                raise RuleError(
                    "vector contains metrics with the same labelset after applying alert labels; "
                    "let the expression or the labels keep them apart"
                )
            elements[key] = ActiveElement(key, tuple(sorted(annotations.items())), value)
        return elements

    def _expand(self, template: Template, series: Labels, value: float, functions: Functions) -> str:
        labels = dict(series)
        data = Struct(
            Labels=labels,
            ExternalLabels=dict(self._external_labels),
            ExternalURL=self._external_url,
            Value=value,
        )
        variables = {
            "labels": labels,
            "externalLabels": dict(self._external_labels),
            "externalURL": self._external_url,
            "value": value,
        }
        try:
            return template.execute(data, variables, functions)
        except TemplateError as error:
            return f"<error expanding template: {error}>"

    def _recorded(
        self, labels: list[Labels], values: list[float | NativeHistogram], timestamp: int
    ) -> tuple[Samples, Histograms]:
        fixed = {name: template.execute(None) for name, template in self.rule.labels.items()}
        samples: Samples = []
        histograms: Histograms = []
        for series, value in zip(labels, values, strict=True):
            named = make_labels({**dict(series), **fixed, METRIC_NAME: self.rule.name})
            if isinstance(value, NativeHistogram):
                histograms.append((named, timestamp, value))
            else:
                samples.append((named, timestamp, value))
        count = len(samples) + len(histograms)
        if len({series for series, _, _ in (*samples, *histograms)}) < count:
            raise RuleError(
                "vector contains metrics with the same labelset after applying rule labels; "
                "let the expression or the labels keep them apart"
            )
        if self._group.limit and count > self._group.limit:
            raise RuleError(f"exceeded limit of {self._group.limit} with {count} series")
        return samples, histograms

    def _alert_samples(self, timestamp: int) -> Samples:
        samples: Samples = []
        for alert in self._alerts.alerts:
            if alert.state == INACTIVE:
                continue
            own = dict(alert.labels)
            shown = make_labels({**own, METRIC_NAME: "ALERTS", "alertstate": alert.state})
            samples.append((shown, timestamp, 1.0))
            since = make_labels({**own, METRIC_NAME: "ALERTS_FOR_STATE"})
            samples.append((since, timestamp, float(math.floor(alert.active_at))))
        return samples


def as_sent(labels: Labels, external_labels: Mapping[str, str]) -> Labels:
    """Return the labels under which an alert is sent: those of its place are added, as Prometheus does it."""
    return make_labels({**external_labels, **dict(labels)})


def _samples_of(engine: Engine, text: str, at: float) -> list[Struct]:
    """Return what a template's query finds at a time in Unix seconds; raises ValueError."""
    try:
        result = engine.instant(parse(text), at)
    except PromQLError as error:
        raise ValueError(str(error)) from error
    if isinstance(result, Scalar):
        return [sample({}, result.value)]
    if not isinstance(result, Vector):
        raise ValueError("rule result is not a vector or scalar")
    return [
        sample(dict(labels), float(value)) for labels, value in zip(result.labels, result.values, strict=True)
    ]
