"""Reads a dashboard's annotations: queries whose samples are marked over the charts."""

from __future__ import annotations

from accelerapp.server.dashboards.fields import Fields
from accelerapp.server.dashboards.model import AnnotationQuery
from accelerapp.server.dashboards.source import PROMETHEUS, Sources


def read_annotations(items: list[Fields], sources: Sources) -> tuple[tuple[AnnotationQuery, ...], list[str]]:
    """Return the queries that Prometheus would answer, and notes of the others that are switched on."""
    found: list[AnnotationQuery] = []
    notes: list[str] = []
    for one in items:
        name = one.text("name")
        if one.values.get("builtIn") in (1, True):
            continue  # Grafana's own notes, which are not in the file
        expr = one.text("expr") or one.object("target").text("expr")
        source = sources.type_of(one)
        if not expr or (source and source not in PROMETHEUS):
            if one.values.get("enable") is not False:
                about = (
                    f"of a data source of type {source!r}"
                    if source not in PROMETHEUS and source
                    else "without a query"
                )
                notes.append(f"annotation query {name!r} {about}")
            continue
        found.append(_query(one, name, expr))
    return tuple(found), notes


def _query(fields: Fields, name: str, expr: str) -> AnnotationQuery:
    keys = fields.values.get("tagKeys")
    chosen = fields.object("filter")
    ids = [one for one in chosen.items("ids") if isinstance(one, int)]
    return AnnotationQuery(
        name=name,
        enable=fields.values.get("enable") is not False,
        hide=fields.values.get("hide") is True,
        color=fields.text("iconColor") or "blue",
        expr=expr,
        step=fields.text("step") if isinstance(fields.values.get("step"), str) else "",
        title_format=fields.text("titleFormat"),
        text_format=fields.text("textFormat"),
        tag_keys=tuple(key.strip() for key in keys.split(",") if key.strip())
        if isinstance(keys, str)
        else (),
        value_is_time=fields.values.get("useValueForTime") in (True, "on"),
        panels={"exclude": chosen.flag("exclude", False), "ids": ids} if ids else None,
    )
