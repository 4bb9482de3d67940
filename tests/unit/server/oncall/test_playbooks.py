"""Playbooks as the page shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accelerapp.server.logs import parse
from accelerapp.server.oncall import Playbooks

SHIPPED = sorted((Path(__file__).parents[4] / "deployment" / "observability" / "playbooks").glob("*.md"))


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


def test_the_blocks_that_are_run_are_told_in_the_order_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text(
        "# Book\n\n```promql\nup == 0\n```\n\n- a step\n\n  ```logs title\n  level: error\n  ```\n\n"
        "```sh\nls\n```\n\n> ```traces\n> service={{ $labels.service }}\n> ```\n"
    )
    book = Playbooks(tmp_path).render("book")
    assert book is not None
    assert [(block.lang, block.text) for block in book.blocks] == [
        ("promql", "up == 0"),
        ("logs", "level: error"),
        ("traces", "service={{ $labels.service }}"),
    ]
    shown = re.findall(r'<pre><code class="language-(promql|logs|traces)">([^<]*)', book.html)
    assert [(lang, text.strip()) for lang, text in shown] == [(b.lang, b.text) for b in book.blocks]


@pytest.mark.parametrize(
    ("written", "query", "problem"),
    [
        ("rate(a[5m])", "rate(a[15s])", ""),
        ('rate(a{b="{{ $labels.b }}"}[5m])', 'rate(a{b="{{ $labels.b }}"}[15s])', ""),
        ("a[{{ $labels.window }}]", "a[{{ $labels.window }}]", ""),
        ("sum(", "sum(", "1:5: parse error: unclosed left parenthesis"),
        ("", "", "the block is empty"),
    ],
)
def test_queries_run_at_the_speed_of_time(tmp_path: Path, written: str, query: str, problem: str) -> None:
    (tmp_path / "book.md").write_text(f"```promql\n{written}\n```\n")
    book = Playbooks(tmp_path).render("book", 20)
    assert book is not None
    (block,) = book.blocks
    assert (block.text, block.query, block.problem) == (written, query, problem)


def test_what_is_written_is_run_as_it_is_where_time_is_not_compressed(tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text("```promql\n# how many\nsum (  up )\n```\n")
    book = Playbooks(tmp_path).render("book")
    assert book is not None
    assert book.blocks[0].query == "# how many\nsum (  up )"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_searches_for_lines_of_the_shipped_playbooks_can_be_read(path: Path) -> None:
    book = Playbooks(path.parent).render(path.stem)
    assert book is not None
    assert [block.problem for block in book.blocks if block.problem] == []
    for block in book.blocks:
        if block.lang == "logs":
            parse(re.sub(r"\{\{ \$labels\.\w+ \}\}", "shop", block.query))


def test_the_titles_are_those_of_the_pages_and_the_template_is_no_playbook(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text(f"# Slow `disk`\n\n{'long ' * 1000}\n")
    (tmp_path / "a.md").write_text("Without a title.\n")
    (tmp_path / "TEMPLATE.md").write_text("# Name of the alert, in words\n")
    assert Playbooks(tmp_path).titles() == {"a": "a", "b": "Slow `disk`"}


def test_every_shipped_playbook_has_a_title() -> None:
    titles = Playbooks(SHIPPED[0].parent).titles()
    assert titles["database-issues"] == "Database issues"
    assert [name for name, title in titles.items() if title == name] == []
