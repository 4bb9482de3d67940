"""The notification that the corpus of texts is about, and its data as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from accelerapp.server.alerting.message import message
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers.webhook import webhook_body
from accelerapp.server.signals import Alert, make_labels

TEXTS = Path(__file__).parents[3] / "corpus" / "gotemplate" / "notifications" / "texts.yml"
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(TEXTS)

GROUP = {"alertname": "HighErrorRate", "service": 'code <gen> & "co"'}
FIRING = Alert(
    make_labels({**GROUP, "severity": "critical", "instance": "b:1"}),
    make_labels(
        {
            "summary": "5% of 'calls' fail",
            "url": "https://x.example/a b?q=1&r=ü#f",
            "js": "javascript:alert(1)",
        }
    ),
    1_700_000_000.25,
    1_800_000_000.0,
    "http://prometheus.example/graph?g0.expr=a+%3E+1&g0.tab=1",
)
RESOLVED = Alert(
    make_labels({**GROUP, "severity": "critical", "instance": "c:1", "zone": "é"}),
    make_labels({"summary": "gone"}),
    1_700_000_000.0,
    1_700_000_060.5,
)
NOW = 1_700_000_100.0
NOTICE = Notice(
    receiver="team.web (eu)",
    group_key='{}:{alertname="HighErrorRate"}',
    group_labels=make_labels(GROUP),
    alerts=(FIRING, RESOLVED),
    now=NOW,
    external_url="http://am.example:9093",
    reason="first notification",
)


def data() -> dict[str, Any]:
    """Return the data of the notification as Alertmanager's own tool reads it."""
    return webhook_body(NOTICE, message(NOTICE))
