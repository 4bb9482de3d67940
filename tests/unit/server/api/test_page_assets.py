"""How the page's files are sent: compressed where the build has done so, and kept where they never change."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from accelerapp.server.api import page

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
SCRIPT = "export const shown = true;\n" * 100
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("the page")
    (assets / "theme.js").write_text("// small")
    for name in ("index-CiGq0_A-.js", "other-abcd1234.js"):
        (assets / name).write_text(SCRIPT)
    # Not of the same length as Starlette's own would be.
    (assets / "index-CiGq0_A-.js.gz").write_bytes(gzip.compress(SCRIPT.encode(), compresslevel=0))
    monkeypatch.setattr(page, "PAGE", tmp_path)


@pytest.mark.parametrize(
    ("path", "accepted", "kept"),
    [
        ("index-CiGq0_A-.js", "gzip, br", FOREVER),
        ("index-CiGq0_A-.js", "identity", FOREVER),
        ("other-abcd1234.js", "gzip", FOREVER),
        ("theme.js", "gzip", "no-cache"),
    ],
)
async def test_a_file_is_the_same_however_it_is_sent(api: Open, path: str, accepted: str, kept: str) -> None:
    async with api() as client:
        answer = await client.get(f"/assets/{path}", headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    assert answer.text == ("// small" if path == "theme.js" else SCRIPT)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == kept
    assert "accept-encoding" in answer.headers["vary"].lower()


async def test_what_the_build_compressed_is_sent_as_it_is(api: Open, tmp_path: Path) -> None:
    packed = (tmp_path / "assets" / "index-CiGq0_A-.js.gz").read_bytes()
    async with api() as client:
        answer = await client.get("/assets/index-CiGq0_A-.js", headers={"Accept-Encoding": "gzip"})
        again = await client.get(
            "/assets/index-CiGq0_A-.js",
            headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["etag"]},
        )
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(packed)
    assert again.status_code == 304


async def test_a_file_of_another_version_of_the_page_is_not_there(api: Open) -> None:
    async with api() as client:
        for path in ("index-00000000.js", "../index.html", "%2e%2e/index.html"):
            answer = await client.get(f"/assets/{path}", headers={"Accept-Encoding": "gzip"})
            assert answer.status_code == 404, path
