"""Every case of the template corpus, whose expectations were taken from Prometheus itself."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from accelerapp.server.gotemplate import (
    PROMETHEUS_FUNCTIONS,
    PROMETHEUS_UNSUPPORTED,
    Struct,
    TemplateError,
    literal,
    parse,
)

CORPUS = Path(__file__).parents[3] / "corpus" / "gotemplate"
CASES: list[dict[str, Any]] = [
    case for path in sorted(CORPUS.glob("*.yml")) for case in YAML(typ="safe", pure=True).load(path)
]

LABELS = {"__name__": "up", "a": "1", "b": "x"}


def execute(text: str) -> str:
    template = parse(
        text,
        "t",
        PROMETHEUS_FUNCTIONS,
        unsupported=PROMETHEUS_UNSUPPORTED,
        variables=("labels", "externalLabels", "value"),
    )
    external = {"region": "eu"}
    return template.execute(
        Struct(Labels=LABELS, ExternalLabels=external, Value=1.0),
        {"labels": LABELS, "externalLabels": external, "value": 1.0},
    )


@pytest.mark.parametrize("case", CASES, ids=[case["template"] for case in CASES])
def test_template(case: dict[str, Any]) -> None:
    if "want" in case:
        assert execute(case["template"]) == case["want"]
    else:
        with pytest.raises(TemplateError) as caught:
            execute(case["template"])
        assert case["error"] in str(caught.value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])).filter(lambda text: "{{" not in text))
def test_a_text_without_actions_is_printed_as_it_is(text: str) -> None:
    assert execute(text) == text


@given(st.text(max_size=40, alphabet='{}-/*|.$"`(), \n:=abif end range1'))
def test_no_text_makes_the_parser_fail_otherwise_than_by_its_own_error(text: str) -> None:
    with contextlib.suppress(TemplateError):
        execute("{{" + text + "}}")


@example(1e-12)  # its exact digits begin with 9.99e-13
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_printed_so_that_it_reads_back(value: float) -> None:
    template = parse("{{ . }}", "t", {})
    assert float(template.execute(value)) == value


def test_output_is_bounded() -> None:
    template = parse("{{ range . }}" + "x" * 1000 + "{{ end }}", "t", {})
    with pytest.raises(TemplateError, match="wrote more than"):
        template.execute(["item"] * 2000)


def test_steps_are_bounded() -> None:
    template = parse("{{ range . }}{{ range $ }}{{ end }}{{ end }}", "t", {})
    with pytest.raises(TemplateError, match="took more than"):
        template.execute(["item"] * 60_000)


def test_a_wide_field_is_refused() -> None:
    with pytest.raises(TemplateError, match="width and precision may be at most"):
        execute('{{ printf "%99999999d" 1 }}')


def test_a_literal_keeps_its_braces() -> None:
    assert literal("{{ x }}", "t").execute(None) == "{{ x }}"
