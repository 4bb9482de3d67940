"""The playbooks: Markdown files, rendered for the page with nothing in them that could run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from accelerapp.server.promql import PromQLError, parse, scale_time

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)
_MAX_BYTES: Final = 1_000_000
_TITLE_CHARS: Final = 1_000
#: The languages of the fenced blocks that the page runs.
LANGUAGES: Final = ("promql", "logs", "traces")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block that the page runs.

    `text` is as written. `query` is what is run, which differs where time is compressed; both may have placeholders
    such as `{{ $labels.service }}` for the labels of an alert. `problem` says why a block cannot be run at all.
    """

    lang: str
    text: str
    query: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Playbook:
    """A rendered playbook; `html` has been cleaned and may be shown as it is.

    In it each of the `blocks`, in their order, is a `pre` with a `code` of the class `language-` and its language.
    """

    name: str
    title: str
    html: str
    blocks: tuple[Block, ...] = ()


class Playbooks:
    """The playbooks of one folder, by file name without `.md`."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.md")) if path.name != "README.md"}

    def names(self) -> list[str]:
        return list(self._files)

    def titles(self) -> dict[str, str]:
        """Return the title of each playbook by its name; the shipped template for new ones is none."""
        named = ((name, self.source(name) or "") for name in self._files if name != "TEMPLATE")
        # A title comes first, and the rest need not be parsed for it.
        return {name: _titled(_MARKDOWN.parse(text[:_TITLE_CHARS]), name)[0] for name, text in named}

    def named_by(self, runbook_url: str) -> str | None:
        """Return the playbook that a `runbook_url` points to, by the last part of its path."""
        stem = unquote(urlsplit(runbook_url).path).rstrip("/").rpartition("/")[2].removesuffix(".md")
        return stem if stem in self._files else None

    def source(self, name: str) -> str | None:
        """Return a playbook as it is written; None where there is none of that name."""
        path = self._files.get(name)
        return path.read_bytes()[:_MAX_BYTES].decode("utf-8", errors="replace") if path else None

    def render(self, name: str, time_factor: float = 1.0) -> Playbook | None:
        """Render a playbook, with every duration of its queries divided by `time_factor`; None where there is none."""
        text = self.source(name)
        if text is None:
            return None
        # The title is told apart, so that whoever shows it can give it the rank that it has there.
        title, tokens = _titled(_MARKDOWN.parse(text), name)
        for token in tokens:
            if token.children and token.children[0].content.startswith("[ ] "):
                token.children[0].content = "☐ " + token.children[0].content.removeprefix("[ ] ")
        html = nh3.clean(
            _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
            attributes={"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer",
        )
        return Playbook(name, title, html, tuple(_blocks(tokens, time_factor)))


def _titled(tokens: list[Token], name: str) -> tuple[str, list[Token]]:
    """Return what the first heading says, where one of the first rank begins the text, and the tokens after it."""
    if len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[1].content, tokens[3:]
    return name, tokens


def _blocks(tokens: Iterable[Token], time_factor: float) -> Iterable[Block]:
    for token in tokens:
        words = token.info.split()
        if token.type == "fence" and words and words[0] in LANGUAGES:
            yield _block(words[0], token.content.strip(), time_factor)


def _block(lang: str, text: str, time_factor: float) -> Block:
    if not text:
        return Block(lang, text, text, "the block is empty")
    if lang != "promql":
        return Block(lang, text, text)
    try:
        expr = parse(text)
    except PromQLError as error:
        # A placeholder outside of a string is no PromQL before it is filled in.
        return Block(lang, text, text, "" if "{{" in text else str(error))
    return Block(lang, text, text if time_factor == 1 else str(scale_time(expr, time_factor)))
