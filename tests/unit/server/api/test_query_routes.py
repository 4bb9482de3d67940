"""Routes of queries: what may take long is done on a query's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from accelerapp.server.api.prometheus import queries
from accelerapp.server.promql import Engine, Expr, MemoryReader, parse
from accelerapp.server.signals import Exemplar, Matcher

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class NoExemplars:
    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Exemplar]:
        return []


LONG = 'up{job=~"' + "x" * 4000 + '"}'


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("query", LONG),
        ("query_range", LONG),
        ("query_exemplars", LONG),
        ("format_query", LONG),
        ("parse_query", LONG),
        ("query", LONG + "("),
    ],
)
async def test_a_long_query_is_parsed_on_a_thread_of_queries(
    api: Open, monkeypatch: pytest.MonkeyPatch, path: str, query: str
) -> None:
    on: list[threading.Thread] = []

    def noting(text: str) -> Expr:
        on.append(threading.current_thread())
        return parse(text)

    monkeypatch.setattr(queries, "parse", noting)
    parts = {"engine": Engine(MemoryReader()), "exemplars": NoExemplars(), "clock": lambda: 1000.0}
    async with api(**parts) as client:
        times = {"start": "0", "end": "60", "step": "60"}
        answer = await client.post(f"/api/v1/{path}", data={"query": query, **times})
    assert answer.status_code == (400 if query.endswith("(") else 200)
    assert len(on) == 1
    assert on[0] is not threading.main_thread()
