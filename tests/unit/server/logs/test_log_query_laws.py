"""What holds for every text: what is stored is found by itself, whether in memory or by the index of words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from accelerapp.server.logs import LogQueryError, compile_query, parse
from accelerapp.server.storage import LogQuery, Storage, StorageSettings, index

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
spellings = st.text("abAB12 -._/\\\"'\n\t\x00é€", min_size=1, max_size=10)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(deadline=None, max_examples=10)
@given(values=st.lists(texts | spellings, min_size=1, max_size=30, unique=True))
def test_a_value_is_found_by_itself_in_memory_and_sealed(values: list[str]) -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number, value in enumerate(values):
        record = records.add(time_unix_nano=number + 1)
        record.body.string_value = value
        record.attributes.add(key="a.value").value.string_value = value

    async def run(folder: Path) -> None:
        storage = Storage.open(folder, StorageSettings(retention_seconds=0))
        try:
            await storage.write_logs(request.SerializeToString())
            await storage.wait_loaded()
            in_memory = [ask(storage, value) for value in values]
            await storage.seal()
            assert [ask(storage, value) for value in values] == in_memory
        finally:
            await storage.close()
        for number, (by_body, by_value) in enumerate(in_memory):
            assert number + 1 in by_body
            assert by_value == [number + 1]

    def ask(storage: Storage, value: str) -> tuple[list[int], list[int]]:
        queries = (f"body: {quoted(value)}", f"a.value: {quoted(value)}")
        conditions = [compile_query(parse(one), 0) for one in queries]
        by_body, by_value = (
            [record.time_ns for record in storage.logs.search(LogQuery(0, 10**9, condition=one))]
            for one in conditions
        )
        return by_body, by_value

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "BLOCK_ROWS", 3)
        patch.setattr("accelerapp.server.storage.parts.BLOCK_ROWS", 3)
        asyncio.run(run(Path(folder)))


@given(text=st.text('ab:()[]{}<>="\\*?+-!~^&| TOandornot', max_size=25))
def test_every_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    column = 1
    try:
        compile_query(parse(text), 0)
    except LogQueryError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1
