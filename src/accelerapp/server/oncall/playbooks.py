"""The playbooks: Markdown files, rendered for the page with nothing in them that could run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nh3
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Playbook:
    """A rendered playbook; `html` has been cleaned and may be shown as it is."""

    name: str
    title: str
    html: str


class Playbooks:
    """The playbooks of one folder, by file name without `.md`."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.md")) if path.name != "README.md"}

    def names(self) -> list[str]:
        return list(self._files)

    def named_by(self, runbook_url: str) -> str | None:
        """Return the playbook that a `runbook_url` points to, by the last part of its path."""
        stem = unquote(urlsplit(runbook_url).path).rstrip("/").rpartition("/")[2].removesuffix(".md")
        return stem if stem in self._files else None

    def source(self, name: str) -> str | None:
        """Return a playbook as it is written; None where there is none of that name."""
        path = self._files.get(name)
        return path.read_bytes()[:_MAX_BYTES].decode("utf-8", errors="replace") if path else None

    def render(self, name: str) -> Playbook | None:
        """Render a playbook; None where there is none of that name."""
        text = self.source(name)
        if text is None:
            return None
        tokens, title = _MARKDOWN.parse(text), name
        if len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
            # The title is told apart, so that whoever shows it can give it the rank that it has there.
            title, tokens = tokens[1].content, tokens[3:]
        for token in tokens:
            if token.children and token.children[0].content.startswith("[ ] "):
                token.children[0].content = "☐ " + token.children[0].content.removeprefix("[ ] ")
        html = nh3.clean(
            _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
            attributes={"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer",
        )
        return Playbook(name, title, html)
