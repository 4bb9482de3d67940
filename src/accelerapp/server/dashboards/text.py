"""Reads text panels: Markdown and HTML are cleaned here, so that nothing in them can run or load on the page."""

from __future__ import annotations

import re
from typing import Any

import nh3
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
_TAGS = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "center", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1",
        "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp",
        "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
        "var",
    }
)  # fmt: skip
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
_STYLED = re.compile(r"<[a-zA-Z][^<>]*\s(style|class)\s*=")
#: Longer Markdown, which no reader waits for, is shown as it is written.
_MOST_MARKDOWN = 100_000
#: The panel's title is a heading of the second rank.
_RANKS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}


def read_text(mode: str, content: str) -> tuple[dict[str, Any], list[str]]:
    """Return the form of a text panel's options, and notes of the HTML that is left out."""
    if mode == "code":
        return {"mode": "code", "html": "", "content": content}, []
    if mode not in ("markdown", "html"):
        return {"mode": "code", "html": "", "content": content}, [
            f"text mode {mode!r}; shown as it is written"
        ]
    if mode == "markdown" and len(content) > _MOST_MARKDOWN:
        note = f"Markdown of more than {_MOST_MARKDOWN} characters; shown as it is written"
        return {"mode": "code", "html": "", "content": content}, [note]
    html = content if mode == "html" else _render(content)
    left_out = sorted({tag.lower() for tag in _TAG.findall(html)} - _TAGS)
    notes = [f"<{tag}> in its text" for tag in left_out]
    if _STYLED.search(html):
        notes.append("styles in its text")
    cleaned = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={"a": {"href", "title"}, "ol": {"start"}, "td": {"colspan"}, "th": {"colspan"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return {"mode": "html", "html": cleaned, "content": content}, notes


def _render(content: str) -> str:
    tokens = _MARKDOWN.parse(content)
    for token in tokens:
        token.tag = _RANKS.get(token.tag, token.tag)
    rendered: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return rendered
