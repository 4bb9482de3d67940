"""Which addresses are views of the page, and what is told of the others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from accelerapp.server.api import page
from accelerapp.server.api.page import VIEWS

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
ROUTES = Path(__file__).parents[4] / "ui/src/routes.ts"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Serve a page also where none was built."""
    (tmp_path / "index.html").write_text("the page")
    monkeypatch.setattr(page, "PAGE", tmp_path)


def test_the_views_are_those_that_the_page_has() -> None:
    shown = defaultdict(set)
    for path in re.findall(r'path: "/([^"]+)"', ROUTES.read_text()):
        shown[path.split("/")[0]].add(len(path.split("/")))
    assert {first: tuple(sorted(depths)) for first, depths in shown.items()} == VIEWS


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?from=1",
        "/d/overview",
        "/d/overview/system-overview?orgId=1&from=now-6h&to=now",
        "/traces",
        "/traces/",
        "/trace/ab12",
        "/logs?query=x",
        "/alerts",
        "/status",
        "/alerts/High%20error%20rate",
        "/alerts/a%2Fb",
    ],
)
async def test_a_view_is_the_page(api: Open, path: str) -> None:
    async with api() as client:
        for accepted in (BROWSER, {}):
            answer = await client.get(path, headers=accepted)
            assert (answer.status_code, answer.text) == (200, "the page")
        assert (await client.head(path)).status_code == 200
        assert (await client.post(path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/favicon.ico", "/nope.js", "/wp-admin", "/d", "/trace/a/b", "/status/x", "/alerts/a/b", "/assetsx/y"],
)
async def test_what_is_no_view_is_not_found(api: Open, path: str) -> None:
    async with api() as client:
        for_people = await client.get(path, headers=BROWSER)
        for_others = await client.get(path)
    # The page shows people what there is.
    assert (for_people.status_code, for_people.text) == (404, "the page")
    assert "content-security-policy" in for_people.headers
    assert (for_others.status_code, for_others.text) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/v1/nothing", "404 page not found\n"),
        ("/-/nothing", "404 page not found\n"),
        (
            "/api/accelerapp/v1/x",
            '{"error":"there is nothing at /api/accelerapp/v1/x; docs/reference/http-api.md names what there is"}',
        ),
    ],
)
async def test_an_api_tells_in_its_own_form_what_it_has_not(api: Open, path: str, told: str) -> None:
    async with api() as client:
        answer = await client.get(path, headers=BROWSER)
    assert (answer.status_code, answer.text) == (404, told)
