"""What is known of metrics: by target, by metric, and within a limit."""

from __future__ import annotations

from accelerapp.server.signals import Labels, Metadata
from accelerapp.server.storage import MetricMetadata

A: Labels = (("instance", "a"), ("job", "shop"))
B: Labels = (("instance", "b"), ("job", "shop"))
COUNTER = Metadata("counter", "Requests answered.")
GAUGE = Metadata("gauge", "Requests under way.")


def test_a_metric_has_each_distinct_thing_once_whoever_told_it() -> None:
    metadata = MetricMetadata()
    metadata.of_target(A, {"requests": COUNTER})
    metadata.of_target(B, {"requests": Metadata("counter", "Requests answered.")})
    assert metadata.all() == {"requests": (COUNTER,)}
    metadata.sent({"requests": GAUGE, "sent": GAUGE})
    metadata.sent({"requests": GAUGE})
    assert metadata.all() == {"requests": (COUNTER, GAUGE), "sent": (GAUGE,)}
    assert metadata.of_targets() == {A: {"requests": COUNTER}, B: {"requests": COUNTER}}


def test_a_target_is_known_for_what_it_told_last_and_forgotten_with_nothing() -> None:
    metadata = MetricMetadata()
    metadata.of_target(A, {"requests": COUNTER, "gone": GAUGE})
    metadata.of_target(A, {"requests": GAUGE})
    assert metadata.all() == {"requests": (GAUGE,)}
    metadata.of_target(A, {})
    assert metadata.of_targets() == {}


def test_beyond_the_limit_nothing_is_kept_and_room_is_made_by_forgetting() -> None:
    metadata = MetricMetadata(limit=2)
    metadata.of_target(A, {"one": GAUGE, "two": GAUGE, "three": GAUGE})
    metadata.sent({"four": GAUGE})
    assert sorted(metadata.all()) == ["one", "two"]
    assert metadata.refused == 2
    metadata.of_target(A, {"one": GAUGE})
    metadata.sent({"four": GAUGE})
    assert sorted(metadata.all()) == ["four", "one"]
