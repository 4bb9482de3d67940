"""What the browser must load before the page shows anything."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from accelerapp.server.api.page import PAGE

#: Of JavaScript, gzipped.
MOST_BYTES = 120 * 1024


def _loaded_with(script: Path) -> set[Path]:
    """Return a script and all that it imports before it runs; what it loads when it is needed is not among them."""
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            text = path.read_text(encoding="utf-8")
            imports = re.findall(r"(?:\bfrom|\bimport)\s*[\"'](\./[^\"']+\.js)[\"']", text)
            waiting.extend(path.parent / name for name in imports)
    return found


def test_the_first_javascript_is_small() -> None:
    index = PAGE / "index.html"
    if not index.is_file():
        pytest.skip("the page is not built: run `make page`")
    text = index.read_text(encoding="utf-8")
    scripts = set()
    for name in re.findall(r'<(?:script|link)[^>]*(?:src|href)="/(assets/[^"]+\.js)"', text):
        scripts |= _loaded_with(PAGE / name)
    sizes = {path.name: len(gzip.compress(path.read_bytes(), mtime=0)) for path in scripts}
    assert sizes
    assert sum(sizes.values()) <= MOST_BYTES, sizes
