"""Playbooks as the page shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerapp.server.oncall import Playbooks


@pytest.fixture
def playbooks(tmp_path: Path) -> Playbooks:
    (tmp_path / "high-error-rate.md").write_text(
        "# High error rate\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```promql\nup == 0\n```\n\n"
        "- [ ] Acknowledge it\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) <img src=x onerror=alert(1)>\n"
    )
    return Playbooks(tmp_path)


def test_markdown_becomes_html_with_its_tables_and_fenced_languages(playbooks: Playbooks) -> None:
    page = playbooks.render("high-error-rate")
    assert page is not None
    assert page.title == "High error rate"
    assert "<h1>" not in page.html
    assert "<td>1</td>" in page.html
    assert "<li>☐ Acknowledge it</li>" in page.html
    assert '<code class="language-promql">up == 0' in page.html


def test_nothing_in_a_playbook_can_run(playbooks: Playbooks) -> None:
    page = playbooks.render("high-error-rate")
    assert page is not None
    assert "<script" not in page.html
    assert "<img" not in page.html
    assert 'href="javascript' not in page.html


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://runbooks.example.com/playbooks/high-error-rate.md", "high-error-rate"),
        ("https://runbooks.example.com/high-error-rate/", "high-error-rate"),
        ("high-error-rate.md?x=1#top", "high-error-rate"),
        ("https://runbooks.example.com/other", None),
        ("https://runbooks.example.com/..%2f..%2fetc%2fpasswd", None),
        ("", None),
    ],
)
def test_a_runbook_url_names_a_playbook_by_the_last_part_of_its_path(
    playbooks: Playbooks, url: str, name: str | None
) -> None:
    assert playbooks.named_by(url) == name


def test_an_unknown_playbook_is_none_even_where_such_a_file_exists_elsewhere(playbooks: Playbooks) -> None:
    assert playbooks.render("../high-error-rate") is None
