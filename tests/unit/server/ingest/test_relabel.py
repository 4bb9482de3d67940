"""Relabelling: what the comparison with Prometheus (tests/corpus/scraping/jobs.yml) cannot say, and wrong rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.configfile import ConfigError
from accelerapp.server.configfile.model import loads
from accelerapp.server.ingest.relabel import RelabelConfig, relabel


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("action: rename", "rename"),
        ("regex: '('", "the regular expression '(' is not valid"),
        ("regex: '(?=a)'", "the regular expression '(?=a)' is not valid"),
        ("action: hashmod\ntarget_label: a", "relabel configuration for hashmod requires non-zero modulus"),
        ("source_labels: [a]", "relabel configuration for replace action requires 'target_label' value"),
        ("action: lowercase\nsource_labels: [a]", "requires 'target_label' value"),
        (
            "action: uppercase\ntarget_label: a\nreplacement: x",
            "'replacement' can not be set for uppercase action",
        ),
        ("action: keepequal\ntarget_label: a\nregex: x", "requires only 'source_labels' and 'target_label'"),
        ("action: labeldrop\nsource_labels: [a]", "labeldrop action requires only 'regex'"),
        ("action: labelmap\nreplacement: ''", "'replacement' must not be empty for labelmap action"),
        ("targets: [a]", "unknown key"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused_when_it_is_read(rule: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loads(rule, RelabelConfig, "rule", Path())
    assert message in str(refused.value)


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time() -> None:
    labels = {"a": "a" * 50_000}
    rule = RelabelConfig(source_labels=("a",), regex="(a+)+b", action="keep")
    assert not relabel([rule], labels)


def test_rules_after_the_one_that_drops_are_not_applied() -> None:
    labels = {"a": "1"}
    drop = RelabelConfig(source_labels=("a",), regex="1", action="drop")
    rename = RelabelConfig(target_label="b", replacement="2")
    assert not relabel([drop, rename], labels)
    assert labels == {"a": "1"}


_LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text(min_size=1, max_size=5))


@given(labels=_LABELS, regex=st.sampled_from(["a|b", ".*", "[ab]", "d"]))
def test_dropping_and_keeping_labels_divide_them(labels: dict[str, str], regex: str) -> None:
    dropped, kept = dict(labels), dict(labels)
    relabel([RelabelConfig(regex=regex, action="labeldrop")], dropped)
    relabel([RelabelConfig(regex=regex, action="labelkeep")], kept)
    assert dropped | kept == labels
    assert not dropped.keys() & kept.keys()


@given(labels=_LABELS, modulus=st.integers(1, 2**40))
def test_a_hash_is_below_its_modulus(labels: dict[str, str], modulus: int) -> None:
    rule = RelabelConfig(source_labels=("a", "b"), modulus=modulus, target_label="shard", action="hashmod")
    assert relabel([rule], labels)
    assert 0 <= int(labels["shard"]) < modulus
