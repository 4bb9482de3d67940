"""Inhibition against its definition, spelt out over every pair of alerts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.alerting.inhibit import Inhibitor, InhibitRule
from accelerapp.server.alerting.matchers import Matchers, parse_matchers
from accelerapp.server.signals import Alert, make_labels

NOW = 100.0

matchers = st.sampled_from(['a="1"', 'a="2"', 'a!=""', 'b=~"1|2"', 'b=""']).map(
    lambda text: Matchers.of(parse_matchers(text))
)
rules = st.lists(
    st.builds(InhibitRule, matchers, matchers, st.sampled_from([(), ("b",), ("c",), ("b", "c")])), max_size=3
)
label_sets = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"]))
alerts = st.lists(
    st.builds(
        lambda labels, ends: Alert(make_labels(labels), (), 0.0, ends),
        label_sets,
        st.sampled_from([50.0, NOW, 150.0]),
    ),
    max_size=5,
)


def quiet(rule: InhibitRule, target: dict[str, str], source: dict[str, str]) -> bool:
    return (
        rule.target.match(target)
        and rule.source.match(source)
        and not (rule.source.match(target) and rule.target.match(source))
        and all(target.get(name, "") == source.get(name, "") for name in rule.equal)
    )


@given(rules, alerts, label_sets)
def test_an_alert_is_quiet_while_a_source_of_a_rule_fires(
    given_rules: list[InhibitRule], known: list[Alert], labels: dict[str, str]
) -> None:
    wanted = any(
        quiet(rule, labels, dict(source.labels))
        for rule in given_rules
        for source in known
        if not source.resolved(NOW)
    )
    assert (Inhibitor(given_rules, known).inhibited_by(make_labels(labels), NOW) is not None) is wanted
