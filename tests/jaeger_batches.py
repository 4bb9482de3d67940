"""Jaeger's batches of the corpus, in Thrift as a library that is not ours writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import thriftpy2
from ruamel.yaml import YAML
from thriftpy2.protocol import TBinaryProtocolFactory
from thriftpy2.utils import serialize

CORPUS = Path(__file__).parent / "corpus" / "jaeger"
THRIFT: Any = thriftpy2.load(str(CORPUS / "jaeger.thrift"), module_name="jaeger_thrift")
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(CORPUS / "batches.yml")
_TYPES = {str: ("STRING", "vStr"), float: ("DOUBLE", "vDouble"), bool: ("BOOL", "vBool")}
_TYPES |= {int: ("LONG", "vLong"), bytes: ("BINARY", "vBinary")}


def written(struct: Any) -> bytes:
    """Return a struct of THRIFT in the binary protocol."""
    return bytes(serialize(struct, TBinaryProtocolFactory()))  # type: ignore[no-untyped-call]


def batch(case: dict[str, Any]) -> bytes:
    """Return a case's batch as its client sends it."""
    process = case["process"]
    return written(
        THRIFT.Batch(
            process=THRIFT.Process(serviceName=process["service"], tags=_tags(process.get("tags", {}))),
            spans=[_span(span) for span in case["spans"]],
            seqNo=7,
            stats=THRIFT.ClientStats(fullQueueDroppedSpans=0, tooLargeDroppedSpans=0, failedToEmitSpans=1),
        )
    )


def _span(span: dict[str, Any]) -> Any:
    return THRIFT.Span(
        traceIdLow=span["trace_low"],
        traceIdHigh=span.get("trace_high", 0),
        spanId=span["span"],
        parentSpanId=span.get("parent", 0),
        operationName=span.get("name", ""),
        flags=span.get("flags", 0),
        startTime=span.get("start", 0),
        duration=span.get("duration", 0),
        references=[
            THRIFT.SpanRef(
                refType=THRIFT.SpanRefType._NAMES_TO_VALUES[kind.upper()],
                traceIdHigh=high,
                traceIdLow=low,
                spanId=of,
            )
            for kind, high, low, of in span.get("references", ())
        ],
        tags=_tags(span.get("tags", {})),
        logs=[THRIFT.Log(timestamp=log["at"], fields=_tags(log["fields"])) for log in span.get("logs", ())],
    )


def _tags(values: dict[str, Any]) -> list[Any]:
    tags = []
    for key, value in values.items():
        kind, name = _TYPES[type(value)]
        tags.append(THRIFT.Tag(key=key, vType=THRIFT.TagType._NAMES_TO_VALUES[kind], **{name: value}))
    return tags
