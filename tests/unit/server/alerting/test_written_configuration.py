"""What is shown of a configuration: all of it but the secrets, in types that Alertmanager's tools read."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from accelerapp.server.alerting import load_alertmanager

TEXT = """
global:
  slack_api_url: https://hooks.example/hidden-1
  smtp_smarthost: localhost:25
  smtp_from: a@example.com
  smtp_auth_password: hidden-2
route: {receiver: a, continue: false, group_wait: 0s, group_by: ['1', 'true']}
receivers:
  - name: a
    webhook_configs:
      - url: http://localhost/hidden-3
        max_alerts: 5
        http_config:
          basic_auth: {username: u, password: hidden-4}
          http_headers: {X-Token: {secrets: [hidden-5]}}
    slack_configs: [{channel: '#shown', title: "two\\nlines: {{ .Status }}"}]
    pagerduty_configs: [{routing_key: hidden-6, details: {shown: '0755'}}]
    email_configs: [{to: shown@example.com, auth_secret: hidden-7, require_tls: true}]
"""


def test_secrets_are_hidden_and_types_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(TEXT)
    original = load_alertmanager(path).original
    assert "hidden" not in original
    shown = YAML(typ="safe", pure=True).load(original)
    (receiver,) = shown["receivers"]
    assert receiver["webhook_configs"][0]["url"] == "<secret>"
    assert receiver["webhook_configs"][0]["max_alerts"] == 5
    assert receiver["email_configs"][0]["require_tls"] is True
    assert receiver["slack_configs"][0]["title"] == "two\nlines: {{ .Status }}"
    assert shown["route"]["continue"] is False
