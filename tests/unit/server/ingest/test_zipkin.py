"""Zipkin's spans: what they become by the corpus, what is refused and how."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML
from tests.plain_otlp import plain_spans
from tests.unit.server.ingest.conftest import KeepingSink, Serve

from accelerapp.server.ingest import Account, zipkin_app
from accelerapp.server.ingest.zipkin_spans import translate

CORPUS = Path(__file__).parents[3] / "corpus" / "zipkin"
NOW_NS = 1_800_000_000_000_000_000


def cases(name: str) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load(CORPUS / name))


@pytest.mark.parametrize("case", cases("spans.yml"), ids=lambda case: case["name"])
def test_spans_become_these(case: dict[str, Any]) -> None:
    made = plain_spans(translate(json.dumps(case["spans"]).encode(), NOW_NS))
    # The id that a shared span gets is of no interest, only where it stands.
    ids = {span[name] for span in made for name in ("span", "parent") if name in span}
    given = {
        span[name].zfill(16).lower() for span in case["spans"] for name in ("id", "parentId") if name in span
    }
    for span in made:
        span.update({name: "SHARED" for name in ("span", "parent") if span.get(name) in ids - given})
    assert sorted(made, key=lambda span: str(span["span"])) == case["want"]


@pytest.fixture
async def zipkin(sink: KeepingSink, serve: Serve) -> AsyncIterator[tuple[httpx.AsyncClient, Account]]:
    account = Account("zipkin", "Zipkin", time.time)
    url = await serve(zipkin_app(sink, account, max_request_bytes=100_000))
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client, account


@pytest.mark.parametrize("case", cases("refused.yml"), ids=lambda case: case["says"])
async def test_a_wrong_span_is_named(
    zipkin: tuple[httpx.AsyncClient, Account], sink: KeepingSink, case: dict[str, str]
) -> None:
    client, account = zipkin
    answer = await client.post("/api/v2/spans", content=case["body"])
    assert answer.status_code == 400
    assert case["says"] in answer.text
    assert (account.status("").refused, sink.traces) == ({"malformed": 1}, [])


SPAN = b'[{"traceId": "1", "id": "1", "timestamp": 1700000000000000}]'


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (SPAN, {"Content-Type": "application/json; charset=utf-8"}),
        (SPAN, {}),
        (gzip.compress(SPAN), {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
    ],
    ids=["json", "no type", "gzip"],
)
async def test_spans_are_taken_with_202(
    zipkin: tuple[httpx.AsyncClient, Account], sink: KeepingSink, body: bytes, headers: dict[str, str]
) -> None:
    client, account = zipkin
    answer = await client.post("/api/v2/spans", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (202, b"")
    assert account.status("").accepted == {"traces": 1}
    assert len(plain_spans(*sink.traces)) == 1


@pytest.mark.parametrize(
    ("path", "media_type", "says"),
    [
        ("/api/v1/spans", "application/json", "version 1"),
        ("/api/v2/spans", "application/x-protobuf", "'application/x-protobuf' is not taken"),
        ("/api/v2/spans", "application/x-thrift", "'application/x-thrift' is not taken"),
    ],
)
async def test_other_versions_and_forms_are_refused_by_name(
    zipkin: tuple[httpx.AsyncClient, Account], path: str, media_type: str, says: str
) -> None:
    client, account = zipkin
    answer = await client.post(path, content=b"x", headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert says in answer.text
    assert account.status("").refused == {"unsupported": 1}


async def test_a_full_storage_is_told(zipkin: tuple[httpx.AsyncClient, Account], sink: KeepingSink) -> None:
    sink.full = True
    answer = await zipkin[0].post("/api/v2/spans", content=SPAN)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert re.search("no space", answer.text)
