"""The corpus of notification texts, whose expectations are Alertmanager's; a stack test holds it against them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.server.alerting.notices import CASES, NOTICE, NOW

from accelerapp.server.alerting.message import message
from accelerapp.server.alerting.templates import Rendering, Templates, parse_file
from accelerapp.server.gotemplate import TemplateError

TEMPLATES = Templates()


def execute(case: dict[str, Any]) -> str:
    made = TEMPLATES.html(case["template"]) if case.get("html") else TEMPLATES.text(case["template"])
    return Rendering(message(NOTICE), lambda: NOW)(made)


@pytest.mark.parametrize("case", CASES, ids=[case["template"] for case in CASES])
def test_notification_text(case: dict[str, Any]) -> None:
    if "want" in case:
        assert execute(case) == case["want"]
    else:
        with pytest.raises(TemplateError) as caught:
            execute(case)
        assert str(case.get("error", case.get("refused"))) in str(caught.value)


@pytest.mark.parametrize(
    ("template", "want"),
    [
        ("{{ now }}", "2023-11-14 22:15:00 +0000 UTC"),
        ("{{ (index .Alerts 0).StartsAt | since }}", "1m39.75s"),
        ("{{ (index .Alerts 0).StartsAt | since | humanizeDuration }}", "1m 39s"),
    ],
)
def test_the_time_is_that_of_the_clock(template: str, want: str) -> None:
    assert execute({"template": template}) == want


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_value_leaves_its_place_in_html(value: str) -> None:
    page = TEMPLATES.html('<p title="{{ . }}">{{ . }}</p><a href="/x?{{ . }}">{{ . }}</a>')
    made = page.execute(value)
    assert made.count("<") == 4
    assert made.count('"') == 4


@given(st.text(max_size=60, alphabet="<>/!-\"'= \nabtitlescriphu:?#{}|.&$"))
def test_no_html_makes_the_escaping_fail_otherwise_than_by_its_own_error(text: str) -> None:
    for around in ("{}", "<p {}>{{{{ . }}}}", '<a href="{}{{{{ . }}}}">', "<title>{}</title>{{{{ . }}}}"):
        with contextlib.suppress(TemplateError):
            TEMPLATES.html(around.format(text)).execute("<value>")


def test_templates_that_call_each_other_too_deeply_are_refused() -> None:
    text = "".join(f'{{{{ define "t{n}" }}}}{{{{ template "t{n + 1}" }}}}{{{{ end }}}}' for n in range(2000))
    with pytest.raises(TemplateError, match="call each other too deeply"):
        TEMPLATES.html(text + '{{ template "t0" }}')


def test_a_file_replaces_a_template_of_the_same_name_and_is_called_by_its_own(tmp_path: Path) -> None:
    (tmp_path / "own.tmpl").write_text('{{ define "__alertmanager" }}Ours{{ end }}whole')
    templates = Templates([parse_file(tmp_path / "own.tmpl")])
    made = templates.text('{{ template "slack.default.username" . }} {{ template "own.tmpl" }}')
    assert made.execute(message(NOTICE)) == "Ours whole"


def test_an_error_is_placed_in_the_file_that_it_is_in(tmp_path: Path) -> None:
    path = tmp_path / "own.tmpl"
    path.write_text('{{ define "broken" }}\n  {{ .Nope }}{{ end }}')
    made = Templates([parse_file(path)]).text('{{ template "broken" . }}')
    with pytest.raises(TemplateError, match=f"{path}:2:6: can't evaluate field Nope"):
        made.execute(message(NOTICE))
