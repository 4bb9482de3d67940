"""Runs the expositions of this folder: ours against prometheus_client's parsers, and the errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from ruamel.yaml import YAML

from accelerapp.server.ingest.exposition import ExpositionError, ExpositionParser
from accelerapp.server.ingest.exposition_line import float_text
from accelerapp.server.signals import Labels, make_labels

HERE = Path(__file__).parent
GOOD = sorted(HERE.glob("*.txt"))
BAD: list[dict[str, Any]] = YAML(typ="safe").load(HERE / "bad.yml")
Comparable = tuple[Labels, str, int | None]


def ours(text: str, *, openmetrics: bool) -> list[Comparable]:
    return read(ExpositionParser(make_labels), text, openmetrics=openmetrics)


def read(parser: ExpositionParser[Labels], text: str, *, openmetrics: bool) -> list[Comparable]:
    parsed = parser.parse(text, openmetrics=openmetrics)
    samples = enumerate(zip(parsed.series, parsed.values.tolist(), strict=True))
    return [(labels, repr(value), parsed.times.get(index)) for index, (labels, value) in samples]


def theirs(text: str, *, openmetrics: bool) -> Iterator[Comparable]:
    parse: Callable[[str], Iterable[Metric]] = parse_openmetrics if openmetrics else parse_text
    for family in parse(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            # Prometheus 3 writes these as floats on ingestion; the oracle leaves them as they are.
            for name, kind in (("le", "histogram"), ("quantile", "summary")):
                if family.type == kind and name in labels:
                    labels[name] = float_text(float(labels[name]))
            at_ms = None if sample.timestamp is None else math.trunc(float(sample.timestamp) * 1000)
            yield make_labels({**labels, "__name__": sample.name}), repr(float(sample.value)), at_ms


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_an_exposition_means_what_prometheus_client_reads(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    openmetrics = path.name.endswith(".om.txt")
    found = ours(text, openmetrics=openmetrics)
    assert found
    assert sorted(found, key=repr) == sorted(theirs(text, openmetrics=openmetrics), key=repr)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_second_exposition_means_the_same_as_the_first(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    openmetrics = path.name.endswith(".om.txt")
    parser = ExpositionParser(make_labels)
    first = read(parser, text, openmetrics=openmetrics)
    assert read(parser, text, openmetrics=openmetrics) == first


@pytest.mark.parametrize("case", BAD, ids=lambda case: repr(case["text"]))
def test_a_wrong_exposition_is_refused_naming_the_line(case: dict[str, Any]) -> None:
    with pytest.raises(ExpositionError) as refusal:
        ExpositionParser(make_labels).parse(case["text"], openmetrics=case.get("openmetrics", False))
    assert case["error"] in str(refusal.value)
