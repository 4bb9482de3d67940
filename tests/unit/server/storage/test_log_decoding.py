"""Log records are decoded by hand where it is quick; the outcome is that of OpenTelemetry's own messages."""

from __future__ import annotations

import orjson
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from accelerapp.server.storage.otlp import any_value, attributes
from accelerapp.server.storage.otlp_logs import LogDecoder

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10) | st.integers(100, 300).map(
    "x".__mul__
)
scalars = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=texts),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 70_000)),
    st.builds(AnyValue, double_value=st.floats()),
    st.builds(AnyValue, bytes_value=st.binary(max_size=5)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=2))),
        st.builds(
            AnyValue,
            kvlist_value=st.builds(
                KeyValueList, values=st.lists(st.builds(KeyValue, key=texts, value=inner), max_size=2)
            ),
        ),
    ),
    max_leaves=4,
)


@given(body=values, pairs=st.lists(st.builds(KeyValue, key=texts, value=values), max_size=4))
@example(body=AnyValue(double_value=float("nan")), pairs=[])
@example(body=AnyValue(double_value=-float("inf")), pairs=[])
def test_a_record_is_decoded_as_the_messages_have_it(body: AnyValue, pairs: list[KeyValue]) -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    record.body.CopyFrom(body)
    record.attributes.extend(pairs)
    decoder = LogDecoder()
    decoder.add(request.SerializeToString(), 0, 1)
    columns = decoder.columns()
    assert orjson.loads(columns["attributes"][0]) == attributes(pairs)
    expected = any_value(body)
    text = columns["body"][0]
    assert (
        text == expected if isinstance(expected, str) else (orjson.loads(text) if text else None) == expected
    )


def test_a_damaged_record_costs_only_itself_and_no_other_its_id() -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in range(3):
        records.add(time_unix_nano=number + 1).body.string_value = f"line {number}"
    whole = request.SerializeToString()
    # The second body's tag becomes that of a group, which no message has.
    damaged = whole.replace(b"\n\x06line 1", b"\x0b\x06line 1")
    decoder = LogDecoder()
    decoder.add(whole, 0, 1)
    decoder.add(damaged, 0, 2)
    columns = decoder.columns()
    assert decoder.damaged == 1
    assert columns["body"].tolist() == ["line 0", "line 1", "line 2", "line 0", "line 2"]
    assert columns["id"].tolist() == [1 << 24, (1 << 24) + 1, (1 << 24) + 2, 2 << 24, (2 << 24) + 2]
    assert len({len(column) for column in columns.values()}) == 1
