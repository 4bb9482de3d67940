"""The shipped alertmanager.yml, the overlay, and integrations without their secrets."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.alerting.matchers import Matchers, parse_matchers
from accelerapp.server.alerting.route import Route
from accelerapp.server.configfile import ConfigError, Document
from accelerapp.server.configfile.document import parse
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State

SHIPPED = Path(__file__).parents[4] / "deployment" / "observability" / "prometheus" / "alertmanager.yml"


PLACE = frozenset({"cluster", "environment"})
GROUPED = PLACE | {"alertname", "service"}
HOUR = 3600


@pytest.mark.parametrize(
    ("severity", "receivers", "group_by", "times"),
    [
        ("critical", ["critical-alerts"], GROUPED, (10, 300, HOUR)),
        ("high", ["high-alerts"], GROUPED, (30, 300, 4 * HOUR)),
        # The same receiver twice: in working hours, where it repeats more often, and outside them.
        ("warning", ["warning-alerts", "warning-alerts"], GROUPED, (30, 300, 12 * HOUR)),
        ("info", ["info-alerts"], PLACE, (300, 24 * HOUR, 24 * HOUR)),
        ("", ["default"], GROUPED, (30, 300, 4 * HOUR)),
    ],
)
def test_the_shipped_routes(
    severity: str, receivers: list[str], group_by: frozenset[str], times: tuple[int, ...]
) -> None:
    routes = list(load_alertmanager(SHIPPED).route.match({"alertname": "A", "severity": severity}))
    assert [route.receiver for route in routes] == receivers
    assert routes[0].group_by == group_by
    assert (routes[0].group_wait, routes[0].group_interval, routes[0].repeat_interval) == times


def quiet(route: Route, moment: str) -> bool:
    now = datetime.datetime.fromisoformat(moment).timestamp()
    return bool(route.inactive_by(now) or route.muted_by(now))


@pytest.mark.parametrize("moment", ["2026-11-24T10:00:00Z", "2026-11-24T03:00:00Z", "2026-11-28T10:00:00Z"])
def test_at_any_time_one_of_the_routes_tells_of_warnings(moment: str) -> None:
    during, outside = load_alertmanager(SHIPPED).route.match({"severity": "warning"})
    assert quiet(during, moment) != quiet(outside, moment)
    assert quiet(outside, moment) == (moment == "2026-11-24T10:00:00Z")
    # One record of what was told, since both have one key: the other does not tell again.
    assert during.group_key(()) == outside.group_key(())
    assert outside.repeat_interval == 24 * HOUR


def test_the_watchdog_goes_to_the_heartbeat_more_often_than_every_minute_falls_due() -> None:
    (route,) = load_alertmanager(SHIPPED).route.match({"alertname": "Watchdog", "severity": "none"})
    assert route.receiver == "heartbeat"
    assert (route.group_wait, route.group_interval) == (0, 60)
    assert route.repeat_interval < route.group_interval


def test_the_time_factor_divides_every_timer() -> None:
    (route,) = load_alertmanager(SHIPPED, time_factor=20).route.match({"severity": "critical"})
    assert (route.group_wait, route.group_interval, route.repeat_interval) == (0.5, 15, 180)


def document(overlay: dict[str, Any]) -> Document:
    return parse(json.dumps(overlay), "overlay.yml", SHIPPED.parent)


def test_an_overlay_adds_integrations_by_name_and_receivers() -> None:
    overlay: dict[str, Any] = {
        "receivers": [
            {"name": "critical-alerts", "webhook_configs": [{"url": "http://localhost:1/"}]},
            {"name": "new", "webhook_configs": [{"url": "http://localhost:1/"}]},
        ],
        "route": {"routes": [{"receiver": "new", "matchers": ['team="x"']}]},
    }
    config = load_alertmanager(SHIPPED, overlay=document(overlay))
    kinds = [integration.type for integration in config.receivers["critical-alerts"].integrations]
    assert kinds == ["webhook", "slack", "pagerduty", "email"]
    assert [route.receiver for route in config.route.match({"team": "x"})] == ["new"]


WEBHOOKS = [{"url": "http://localhost:1/"}]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"receivers": {"name": "default"}}, r"^overlay.yml:1:2: receivers: must be a list of mappings"),
        (
            {"receivers": [{"webhook_configs": WEBHOOKS}]},
            r"^overlay.yml:1:16: receivers\[0\]: a receiver needs a name",
        ),
        (
            {"receivers": [{"name": "default", "webhook_configs": WEBHOOKS[0]}]},
            r"^overlay.yml:1:36: receivers\[0\].webhook_configs: must be a list",
        ),
        ({"route": []}, r"^overlay.yml:1:2: route: must be a mapping"),
        ({"route": {"receiver": "default"}}, r"^overlay.yml:1:12: route.receiver: .* only `routes`"),
        (
            {"receivers": [{"name": "critical-alert", "webhook_configs": WEBHOOKS}]},
            r'no route uses the receiver "critical-alert",.*\(critical-alerts, default, heartbeat, high-',
        ),
        (
            {
                "receivers": [{"name": "team-x", "webhook_configs": WEBHOOKS}],
                "route": {"routes": [{"receiver": "default", "matchers": ['team="x"']}]},
            },
            r'no route uses the receiver "team-x"',
        ),
    ],
)
def test_an_overlay_that_would_not_do_what_it_says_is_refused(overlay: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_alertmanager(SHIPPED, overlay=document(overlay))


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            {"receivers": [{"name": "critical-alerts", "webhook_configs": [{"uri": "x"}]}]},
            r"^overlay.yml:1:65: receivers\[0\].webhook_configs\[0\].uri: unknown key",
        ),
        (
            {"receivers": [{"name": "heartbeat", "webhook_configs": [{"uri": "x"}]}]},
            r"^overlay.yml:1:59: receivers\[0\].webhook_configs\[0\].uri: unknown key",
        ),
        (
            {"receivers": [{"name": "new", "webhook_configs": [{"uri": "x"}]}]},
            r"^overlay.yml:1:53: receivers\[0\].webhook_configs\[0\].uri: unknown key",
        ),
        (
            {"route": {"routes": [{"receiver": "nobody"}]}},
            r"^overlay.yml:1:\d+: route.routes\[0\]\S*: ",
        ),
    ],
)
def test_what_is_wrong_in_what_an_overlay_adds_has_its_place_there(
    overlay: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_alertmanager(SHIPPED, overlay=document(overlay))


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ('a="b"', {"a": "b"}, True),
        ("a=b", {"a": "b"}, True),
        ('a!="b"', {}, True),
        ('a=~"b|c"', {"a": "c"}, True),
        ('a=~"b"', {"a": "bc"}, False),
        ('a!~"b.*"', {"a": "bc"}, False),
        ('a=""', {}, True),
        ('{a="1", "weird name"="x,y"}', {"a": "1", "weird name": "x,y"}, True),
        ('{a="1", b="2"}', {"a": "1"}, False),
        (r'a="say \"hi\""', {"a": 'say "hi"'}, True),
    ],
)
def test_matchers(text: str, labels: dict[str, str], matches: bool) -> None:
    assert Matchers.of(parse_matchers(text)).match(labels) is matches


def test_keys_of_groups_are_as_alertmanager_writes_them() -> None:
    (route,) = load_alertmanager(SHIPPED).route.match({"severity": "critical"})
    labels = make_labels({"alertname": "A", "service": "s"})
    assert route.group_key(labels) == '{}/{severity="critical"}:{alertname="A", service="s"}'


async def test_an_integration_without_its_secret_says_so_and_is_not_counted_as_told(
    tmp_path: Path, timers: Any
) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(
        "route: {receiver: a, group_wait: 1s}\n"
        "receivers: [{name: a, slack_configs: [{api_url_file: secret, channel: '#a'}]}]\n"
    )
    state = State(tmp_path / "state.sqlite")
    alertmanager = Alertmanager(load_alertmanager(path), state, timers.now, timers=timers)
    (integration,) = alertmanager.receivers()[0].integrations
    assert (integration.type, integration.status) == ("slack", "not configured")
    assert str(tmp_path / "secret") in integration.detail

    await alertmanager.start()
    alertmanager.receive([Alert(make_labels({"alertname": "A"}), (), 0.0, 99_999.0)])
    await timers.advance(1000)
    assert [n.outcome for n in alertmanager.notifications()] == ["not configured"]

    (tmp_path / "secret").write_text("http://127.0.0.1:1/x")
    assert alertmanager.receivers()[0].integrations[0].status == "ready"
    await alertmanager.stop()
    state.close()


def test_the_shipped_receivers_are_not_configured_until_their_secrets_are_there(
    tmp_path: Path, timers: Any
) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(SHIPPED.read_text().replace("/etc/alertmanager/secrets/", f"{tmp_path}/"))
    # The templates that the file names are taken from beside it.
    (tmp_path / "templates").symlink_to(SHIPPED.parent / "templates")
    state = State(tmp_path / "state.sqlite")
    alertmanager = Alertmanager(load_alertmanager(path), state, timers.now, timers=timers)

    def statuses() -> dict[str, str]:
        entries = [(r.name, entry) for r in alertmanager.receivers() for entry in r.integrations]
        assert [f"{name} {entry.type}" for name, entry in entries] == [
            *(f"critical-alerts {kind}" for kind in ("slack", "pagerduty", "email")),
            *(f"high-alerts {kind}" for kind in ("slack", "email")),
            "warning-alerts slack",
            "info-alerts email",
            "default slack",
            "heartbeat webhook",
        ]
        return {entry.type: entry.status for _, entry in entries}

    assert set(statuses().values()) == {"not configured"}
    for name in ("slack-webhook-url", "pagerduty-routing-key", "smtp-password", "heartbeat-url"):
        (tmp_path / name).write_text("http://localhost:1/")
    assert statuses() == {
        "slack": "ready",
        "pagerduty": "ready",
        "email": "ready",
        "webhook": "ready",
    }
    state.close()
