"""Links of Markdown pages that are written to other places than those they were made for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

#: A link to be changed; what stands in code is matched first, and left.
_LINK = re.compile(
    r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)"
    r"|(?P<code>`+).+?(?P=code)"
    r"|(?P<image>!?)\[(?P<text>(?:`[^`]*`|[^\[\]])*)\]\((?P<target>[^()\s]+)\)",
    re.DOTALL | re.MULTILINE,
)


def targets(page: str, source: str) -> Iterator[str]:
    """Yield where the relative links of a page lead, from the root that its own path `source` starts at."""
    for found in _LINK.finditer(page):
        if (target := found["target"]) and (led := _leads(target, source)):
            yield led


def relinked(page: str, source: str, places: Mapping[str, str]) -> str:
    """Return a page with its relative links as they must be where it is written; what would lead nowhere is its text.

    Args:
        page: The Markdown.
        source: Its path.
        places: Where each file is written, by its path; the page itself is one of them.
    """
    folders = {
        path[:end]: places[path][: end - len(path)]
        for path in places
        for end in range(len(path))
        if path[end] == "/" and places[path].endswith(path[end:])
    }

    def changed(found: re.Match[str]) -> str:
        if not found["target"] or not (led := _leads(found["target"], source)):
            return found[0]
        place = places.get(led) or folders.get(led)
        if place is None:
            return str(found["text"])
        relative = posixpath.relpath(place, posixpath.dirname(places[source]) or ".")
        # A folder is linked with the slash that tells it from a file.
        slash = "/" if led not in places else ""
        _, mark, heading = found["target"].partition("#")
        return f"{found['image']}[{found['text']}]({relative}{slash}{mark}{heading})"

    return _LINK.sub(changed, page)


def _leads(target: str, source: str) -> str | None:
    """Return the path that a relative link of `source` leads to; None for an address, or a heading of the page."""
    path = unquote(target.partition("#")[0])
    if not path or path.startswith("/") or re.match(r"[a-z][a-z0-9+.-]*:", path, re.IGNORECASE):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
