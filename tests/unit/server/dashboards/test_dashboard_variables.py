"""Reading a dashboard's variables, annotations and links."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.server.dashboards.boards import board

from accelerapp.server.dashboards import Variable, VariableOption, VariableQuery


def variable(**fields: Any) -> tuple[Variable, tuple[str, ...]]:
    found = board(templating={"list": [{"name": "v", **fields}]})
    return found.variables[0], found.unsupported


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("label_values(job)", VariableQuery("label_values", "job", "")),
        (
            'label_values(up{job=~"a,b"}, instance)',
            VariableQuery("label_values", "instance", 'up{job=~"a,b"}'),
        ),
        ("label_values(up, $label)", VariableQuery("label_values", "$label", "up")),
        ("label_names()", VariableQuery("label_names", "", "")),
        ("label_names( up )", VariableQuery("label_names", "", "up")),
        ("label_values( up , job ) ", VariableQuery("label_values", "job", "up")),
        ("metrics(node_.*)", VariableQuery("metrics", "", "node_.*")),
        ("query_result(sum(up) by (job))", VariableQuery("query_result", "", "sum(up) by (job)")),
        ('up{job="a"}', VariableQuery("series", "", 'up{job="a"}')),
        (
            {"query": "label_values(job)", "refId": "X", "qryType": 1},
            VariableQuery("label_values", "job", ""),
        ),
    ],
)
def test_queries_of_variables(query: Any, wanted: VariableQuery) -> None:
    found, notes = variable(type="query", query=query)
    assert (found.query, notes) == (wanted, ())


def test_settings_of_a_query_variable() -> None:
    found, notes = variable(
        type="query",
        label="Job",
        query="label_values(job)",
        multi=True,
        includeAll=True,
        allValue=".*",
        regex="/a(?<value>.*)/",
        sort=4,
        hide=1,
        current={"text": ["All"], "value": ["$__all"]},
    )
    assert (found.label, found.multi, found.include_all, found.all_value) == ("Job", True, True, ".*")
    assert (found.regex, found.sort, found.hide) == (
        "/a(?<value>.*)/",
        {"by": "number", "desc": True},
        "label",
    )
    assert (found.current, notes) == (("$__all",), ())


def test_options_of_a_custom_variable() -> None:
    found, _ = variable(type="custom", query="a, Bee : b,c\\,d", current={"value": "b"})
    assert found.options == (
        VariableOption("a", "a"),
        VariableOption("Bee", "b"),
        VariableOption("c,d", "c,d"),
    )
    assert found.current == ("b",)


def test_interval_with_a_step_of_its_own() -> None:
    found, _ = variable(
        type="interval",
        query="1m,10m,'1h'",
        auto=True,
        auto_count=20,
        auto_min="30s",
        current={"value": "$__auto_interval_v"},
    )
    assert [one.value for one in found.options] == ["1m", "10m", "1h"]
    assert (found.auto, found.current) == ({"count": 20, "min": "30s"}, ("$__auto",))


@pytest.mark.parametrize(("kind", "query"), [("constant", "x"), ("datasource", "prometheus")])
def test_where_nothing_is_to_be_chosen_nothing_is_shown(kind: str, query: str) -> None:
    found, notes = variable(type=kind, query=query)
    assert (found.hide, notes) == ("all", ())


def test_constant_that_an_import_asks_for_has_the_value_of_the_file() -> None:
    found = board(
        templating={"list": [{"name": "p", "type": "constant", "query": "${VAR_P}"}]},
        __inputs=[{"name": "VAR_P", "type": "constant", "value": "prefix"}],
    )
    assert found.variables[0].current == ("prefix",)


def test_text_that_is_typed() -> None:
    found, _ = variable(type="textbox", query="start")
    assert (found.type, found.current) == ("textbox", ("start",))


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"type": "adhoc"}, "variable $v of type 'adhoc'"),
        ({"type": "query", "query": ""}, "variable $v: it has no query"),
        (
            {"type": "query", "query": "x", "datasource": {"type": "loki"}},
            "variable $v: a query of a data source of type 'loki'; what the file knows of it is offered",
        ),
        ({"type": "custom", "query": "[]", "valuesFormat": "json"}, "variable $v: options as JSON"),
    ],
)
def test_variables_without_a_value_here_are_named(fields: dict[str, Any], note: str) -> None:
    assert board(templating={"list": [{"name": "v", **fields}]}).unsupported == (note,)


def test_variable_of_another_source_keeps_what_the_file_knows() -> None:
    found, _ = variable(
        type="query",
        query="x",
        datasource={"type": "loki"},
        current={"value": "b"},
        options=[
            {"text": "All", "value": "$__all"},
            {"text": "A", "value": "a"},
            {"text": "B", "value": "b"},
        ],
    )
    assert (found.type, [one.value for one in found.options], found.current) == ("custom", ["a", "b"], ("b",))


def test_annotations_of_prometheus_are_read() -> None:
    found = board(
        annotations={
            "list": [
                {"name": "built in", "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}},
                {
                    "name": "deploys",
                    "enable": False,
                    "expr": "changes(x[$__interval]) > 0",
                    "titleFormat": "{{job}}",
                    "tagKeys": "job, instance",
                    "step": "30s",
                    "useValueForTime": "on",
                    "iconColor": "#ff0000",
                    "filter": {"exclude": True, "ids": [3]},
                },
            ]
        }
    )
    (one,) = found.annotations
    assert (one.name, one.enable, one.step, one.value_is_time) == ("deploys", False, "30s", True)
    assert (one.tag_keys, one.color) == (("job", "instance"), "#ff0000")
    assert one.panels == {"exclude": True, "ids": [3]}
    assert found.unsupported == ()


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        (
            {"datasource": {"type": "loki"}, "expr": "{}"},
            "annotation query 'a' of a data source of type 'loki'",
        ),
        (
            {"datasource": "-- Grafana --", "type": "tags"},
            "annotation query 'a' of a data source of type '-- Grafana --'",
        ),
        ({}, "annotation query 'a' without a query"),
    ],
)
def test_other_annotations_are_named_where_they_are_on(fields: dict[str, Any], note: str) -> None:
    assert board(annotations={"list": [{"name": "a", **fields}]}).unsupported == (note,)
    assert board(annotations={"list": [{"name": "a", "enable": False, **fields}]}).unsupported == ()


def test_links_of_a_dashboard() -> None:
    found = board(
        links=[
            {"type": "link", "title": "docs", "url": "https://example.org", "keepTime": True},
            {"type": "dashboards", "title": "others", "tags": ["accelerapp"], "asDropdown": True},
            {"type": "link", "title": "nowhere"},
        ]
    )
    assert [(one.type, one.title, one.keep_time, one.tags) for one in found.links] == [
        ("link", "docs", True, ()),
        ("dashboards", "others", False, ("accelerapp",)),
    ]
    assert found.unsupported == ("link 'nowhere': it has no address",)
