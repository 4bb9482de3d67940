"""Reads a panel's queries: which of them the observatory can answer, and the settings of each."""

from __future__ import annotations

import re
from typing import Any

from accelerapp.server.dashboards.fields import Fields, short
from accelerapp.server.dashboards.model import Target, TraceSearch
from accelerapp.server.dashboards.settings import NotHonouredError, as_number
from accelerapp.server.dashboards.source import LOGS, PROMETHEUS, TRACES, Sources
from accelerapp.server.promql import parse

_FORMATS = ("time_series", "table", "heatmap")
_LINES = ("logs", "raw_data", "raw_document")
_TRACE_ID = re.compile(r"[0-9a-fA-F]{1,32}|\$\{?\w+\}?")
#: A value of a tag may be quoted, as in logfmt. A name begins where no other one is under way: else long ones would
#: take quadratic time.
_TAG = re.compile(r'(?<![^\s=])([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


def read_targets(fields: Fields, sources: Sources) -> tuple[tuple[Target, ...], list[str]]:
    """Return the queries of a panel that are not hidden, and notes of what is not honoured."""
    targets: list[Target] = []
    notes: list[str] = []
    source = sources.type_of(fields)
    for i, one in enumerate(fields.objects("targets")):
        if one.values.get("hide") is True:
            continue
        target, found = _target(one, source, sources, chr(ord("A") + i % 26))
        targets.append(target)
        notes += [f"target {target.ref_id}: {note}" for note in found]
    return tuple(targets), notes


def _target(
    fields: Fields, panel_source: str, sources: Sources, default_ref: str
) -> tuple[Target, list[str]]:
    ref = fields.text("refId") or default_ref
    source = sources.type_of(fields) or panel_source
    if source in LOGS:
        return _logs(fields, ref)
    if source in TRACES:
        return _traces(fields, ref, source)
    # A file that does not tell its data source may be for any Prometheus: then its queries have an expression.
    if source in PROMETHEUS or (source in ("", "-- Mixed --") and isinstance(fields.values.get("expr"), str)):
        return _prometheus(fields, ref)
    return _refused(fields, ref, f"data source of type {source!r}; not queried" if source else _NO_EXPRESSION)


_NO_EXPRESSION = "no expression; not queried"


def _refused(fields: Fields, ref: str, reason: str) -> tuple[Target, list[str]]:
    expr = fields.values.get("expr", fields.values.get("query", ""))
    return Target(ref, None, expr if isinstance(expr, str) else ""), [reason]


def _prometheus(fields: Fields, ref: str) -> tuple[Target, list[str]]:
    expr = fields.text("expr")
    notes: list[str] = []
    if not expr.strip():
        return _refused(fields, ref, _NO_EXPRESSION)
    if "$" not in expr and "[[" not in expr:
        try:
            parse(expr)
        except ValueError as error:
            return _refused(fields, ref, f"{error}; not queried")
    instant, over_range = fields.values.get("instant") is True, fields.values.get("range") is True
    if instant and over_range:
        notes.append("an instant query beside the one over the range; the latter alone is run")
    form = fields.text("format") or "time_series"
    if form not in _FORMATS:
        notes.append(f"format = {form!r}")
        form = "time_series"
    return (
        Target(
            ref_id=ref,
            source="prometheus",
            expr=expr,
            legend_format=fields.text("legendFormat"),
            format=form,
            instant=instant and not over_range,
            exemplar=fields.values.get("exemplar") is True,
            interval=_interval(fields),
            interval_factor=_factor(fields),
        ),
        notes,
    )


def _interval(fields: Fields) -> str:
    interval = fields.values.get("interval")
    return interval if isinstance(interval, str) else ""


def _factor(fields: Fields) -> float:
    try:
        return min(max(as_number(fields.values.get("intervalFactor", 1)) or 1, 1), 100)
    except NotHonouredError:
        return 1


def _logs(fields: Fields, ref: str) -> tuple[Target, list[str]]:
    """Read a query of Elasticsearch or OpenSearch: its lines, or how many there are in each step."""
    query = fields.text("query")
    kind = fields.text("queryType", "lucene")
    if kind not in ("", "lucene"):
        return _refused(fields, ref, f"a query of type {kind!r}; not queried")
    metrics = fields.objects("metrics")
    metric = metrics[0].text("type") if metrics else "count"
    if metric in _LINES:
        notes = [f"metrics of {short(one.values.get('type'))}" for one in metrics[1:]]
        return Target(ref, "logs", query, legend_format=fields.text("alias")), notes
    groups = [one.text("type") for one in fields.objects("bucketAggs")]
    if metric != "count" or len(metrics) > 1 or groups not in ([], ["date_histogram"]):
        what = [metric, *(one.text("type") for one in metrics[1:])]
        return _refused(
            fields, ref, f"{' and '.join(what)} of lines by {', '.join(groups) or 'nothing'}; not queried"
        )
    return Target(ref, "logs", query, legend_format=fields.text("alias"), logs="count"), []


def _traces(fields: Fields, ref: str, source: str) -> tuple[Target, list[str]]:
    kind, query = fields.text("queryType"), fields.text("query")
    if source == "tempo":
        if kind in ("", "traceId", "traceql") and _TRACE_ID.fullmatch(query.strip()):
            return Target(ref, "traces", query, traces=TraceSearch(trace_id=query.strip())), []
        return _refused(fields, ref, f"a query of Tempo of type {kind!r}; not queried")
    if kind in ("", "traceID", "traceId"):
        if not query.strip():
            return _refused(fields, ref, "no trace id; not queried")
        return Target(ref, "traces", query, traces=TraceSearch(trace_id=query.strip())), []
    if kind != "search":
        return _refused(fields, ref, f"a query of traces of type {kind!r}; not queried")
    return Target(ref, "traces", "", traces=_search(fields)), []


def _search(fields: Fields) -> TraceSearch:
    operation = fields.text("operation")
    try:
        limit = int(as_number(fields.values.get("limit") or 20) or 20)
    except NotHonouredError:
        limit = 20
    return TraceSearch(
        service=fields.text("service"),
        operation="" if operation == "All" else operation,
        attributes=tuple(_tags(fields.values.get("tags"))),
        min_duration=fields.text("minDuration"),
        max_duration=fields.text("maxDuration"),
        limit=min(max(limit, 1), 1000),
    )


def _tags(text: Any) -> list[str]:
    if not isinstance(text, str):
        return []
    return [
        f"{key}={quoted.replace(chr(92) + chr(34), chr(34)) or plain}"
        for key, quoted, plain in _TAG.findall(text)
    ]
