"""No page of another site changes anything, at whatever address of the page's port."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from starlette.routing import Route

from accelerapp.server.ingest import Account

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


def changing(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    """Return every route that takes another method than GET, with that method."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    return [
        (method, route.path.replace("{path:path}", "x"))
        for route in transport.app.routes  # type: ignore[attr-defined]
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"GET", "HEAD", "OPTIONS"})
    ]


async def test_whatever_takes_another_method_than_get_is_closed_to_pages_of_other_sites(api: Open) -> None:
    account = Account("page", "The page", lambda: 0.0)
    async with api(account=account) as client:
        routes = changing(client)
        assert {
            ("POST", "/-/reload"),
            ("POST", "/api/accelerapp/v1/storage/backup"),
            ("POST", "/api/v2/silences"),
            ("DELETE", "/api/v2/silence/{id}"),
        } <= set(routes)
        for method, path in routes:
            answer = await client.request(method, path, headers=FOREIGN)
            told = f"a page of https://evil.example may not ask for {method} {path}\n"
            assert (answer.status_code, answer.text) == (403, told)
            assert "content-security-policy" in answer.headers
    assert account.status("").refused == {"cross_site": len(routes)}


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}])
async def test_programs_and_the_page_itself_change_things(api: Open, headers: dict[str, str]) -> None:
    reloads = []

    async def reload() -> None:
        reloads.append(1)

    async with api(reload=reload) as client:
        assert (await client.post("/-/reload", headers=headers)).status_code == 200
    assert reloads == [1]


async def test_the_page_under_the_url_that_people_use_changes_things(api: Open) -> None:
    async def reload() -> None:
        pass

    async with api(reload=reload, external_url="https://observe.example/") as client:
        for origin, status in (("https://observe.example", 200), ("https://other.example", 403)):
            answer = await client.post("/-/reload", headers={"Origin": origin})
            assert answer.status_code == status


async def test_a_link_from_another_site_is_followed(api: Open) -> None:
    async with api() as client:
        answer = await client.get("/api/v1/query", params={"query": "1"}, headers=FOREIGN)
    assert answer.status_code == 200
