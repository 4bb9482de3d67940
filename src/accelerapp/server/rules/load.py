"""Rule files, as Prometheus reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import Field

from accelerapp.server.configfile import (
    ConfigError,
    ConfigModel,
    Document,
    Duration,
    Problem,
    Text,
    expand_globs,
    read,
    validate,
)
from accelerapp.server.gotemplate import (
    PROMETHEUS_FUNCTIONS,
    PROMETHEUS_UNSUPPORTED,
    Template,
    TemplateError,
    literal,
)
from accelerapp.server.gotemplate import parse as parse_template
from accelerapp.server.promql import Expr, PromQLError, ValueType, scale_time, type_of
from accelerapp.server.promql import parse as parse_expr
from accelerapp.server.rules.definition import TEMPLATE_VARIABLES, Group, Rule
from accelerapp.server.signals import METRIC_NAME

_Path = tuple[str | int, ...]

_MIN_INTERVAL: Final = 0.001


class _RuleModel(ConfigModel):
    record: Text = ""
    alert: Text = ""
    expr: Text = ""
    for_: Duration = Field(default=0.0, alias="for")
    keep_firing_for: Duration = 0.0
    labels: dict[str, Text] = Field(default_factory=dict)
    annotations: dict[str, Text] = Field(default_factory=dict)


class _GroupModel(ConfigModel):
    name: Text = ""
    interval: Duration = 0.0
    query_offset: Duration = 0.0
    limit: int = Field(default=0, ge=0)
    labels: dict[str, Text] = Field(default_factory=dict)
    rules: list[_RuleModel] = Field(default_factory=list)


class _FileModel(ConfigModel):
    groups: list[_GroupModel] = Field(default_factory=list)


def load_rule_files(
    paths: Sequence[Path], *, default_interval_seconds: float, time_factor: float = 1.0
) -> list[Group]:
    """Read rule files in the form of Prometheus' recording and alerting rules.

    A path may have wildcards in its last part. Groups without an interval get `default_interval_seconds`.
    `time_factor` divides intervals, `for`, `keep_firing_for`, `query_offset` and the durations inside the
    expressions; the texts stay as they are written. Raises ConfigError that lists everything wrong in all files.
    """
    groups: list[Group] = []
    problems: list[Problem] = []
    for path in expand_globs(paths):
        try:
            groups.extend(_load_file(path, default_interval_seconds, time_factor))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return groups


def _load_file(path: Path, default_interval: float, time_factor: float) -> list[Group]:
    document = read(path)
    model = validate(document, _FileModel)
    reader = _Reader(document, time_factor)
    groups = [
        reader.group(index, group, group.interval or default_interval)
        for index, group in enumerate(model.groups)
    ]
    for name, count in Counter(group.name for group in model.groups).items():
        if name and count > 1:
            index = [group.name for group in model.groups].index(name)
            reader.note(
                ("groups", index, "name"), f'the group "{name}" is in this file {count} times; rename one'
            )
    if reader.problems:
        raise ConfigError(reader.problems)
    return groups


class _Reader:
    """Turns the models of one file into groups and collects what is wrong."""

    def __init__(self, document: Document, time_factor: float) -> None:
        self._document = document
        self._factor = time_factor
        self.problems: list[Problem] = []

    def note(self, path: _Path, message: str) -> None:
        self.problems.append(self._document.problem(path, message))

    def group(self, index: int, model: _GroupModel, interval: float) -> Group:
        path: _Path = ("groups", index)
        if not model.name:
            self.note(path, "a group needs a name; add `name:`")
        self._label_names((*path, "labels"), model.labels)
        seen: Counter[str] = Counter()
        rules = []
        for number, rule_model in enumerate(model.rules):
            rule = self._rule((*path, "rules", number), model, rule_model, seen)
            if rule is not None:
                rules.append(rule)
        return Group(
            name=model.name,
            file=self._document.name,
            interval_seconds=max(interval / self._factor, _MIN_INTERVAL),
            interval_seconds_as_written=interval,
            query_offset_seconds=model.query_offset / self._factor,
            limit=model.limit,
            rules=tuple(rules),
            time_factor=self._factor,
        )

    def _rule(self, path: _Path, group: _GroupModel, model: _RuleModel, seen: Counter[str]) -> Rule | None:
        if not self._shape(path, model):
            return None
        expr = self._expr((*path, "expr"), model.expr)
        labels = {
            name: self._template((*path, "labels", name), text, alerting=bool(model.alert))
            for name, text in {**group.labels, **model.labels}.items()
        }
        annotations = {
            name: self._template((*path, "annotations", name), text, alerting=True)
            for name, text in model.annotations.items()
        }
        texts = ",".join(f"{name}={text}" for name, text in sorted(model.labels.items()))
        name = model.alert or model.record
        key = f"{Path(self._document.name).name};{group.name};{name};{texts}"
        seen[key] += 1
        if seen[key] > 1:
            key = f"{key};{seen[key]}"
        if expr is None:
            return None
        return Rule(
            name=name,
            alerting=bool(model.alert),
            key=key,
            expr_text=model.expr.strip(),
            expr=expr if self._factor == 1 else scale_time(expr, self._factor),
            for_seconds=model.for_ / self._factor,
            for_seconds_as_written=model.for_,
            keep_firing_for_seconds=model.keep_firing_for / self._factor,
            keep_firing_for_seconds_as_written=model.keep_firing_for,
            labels={name: template for name, template in labels.items() if template is not None},
            annotations={name: template for name, template in annotations.items() if template is not None},
        )

    def _shape(self, path: _Path, model: _RuleModel) -> bool:
        """Check which keys go together; tell whether the rule can be read further."""
        if bool(model.alert) == bool(model.record):
            self.note(path, "a rule has either `alert:` or `record:`; give one of them")
            return False
        if model.record:
            for key, given in (
                ("for", model.for_),
                ("keep_firing_for", model.keep_firing_for),
                ("annotations", model.annotations),
            ):
                if given:
                    self.note((*path, key), f"a recording rule has no `{key}`; remove it")
        self._label_names((*path, "labels"), model.labels)
        self._label_names((*path, "annotations"), model.annotations)
        if not model.expr.strip():
            self.note(path, "`expr` is required; add the expression to evaluate")
            return False
        return True

    def _label_names(self, path: _Path, labels: Mapping[str, str]) -> None:
        for name in labels:
            if not name or name == METRIC_NAME:
                self.note((*path, name), f'"{name}" cannot be a label here; choose another name')

    def _expr(self, path: _Path, text: str) -> Expr | None:
        try:
            expr = parse_expr(text)
            kind = type_of(expr)
        except PromQLError as error:
            self.note(path, f"the expression cannot be used: {error.message}; correct it")
            return None
        if kind not in (ValueType.VECTOR, ValueType.SCALAR):
            self.note(path, f"the expression gives a {kind}; a rule needs a vector or a scalar")
            return None
        return expr

    def _template(self, path: _Path, text: str, *, alerting: bool) -> Template | None:
        if not alerting:  # Prometheus takes the labels of a recording rule as they are
            return literal(text, str(path[-1]))
        try:
            return parse_template(
                text,
                str(path[-1]),
                PROMETHEUS_FUNCTIONS,
                unsupported=PROMETHEUS_UNSUPPORTED,
                variables=TEMPLATE_VARIABLES,
            )
        except TemplateError as error:
            self.note(path, f"the template cannot be used: {error.line}:{error.column}: {error.message}")
            return None
