"""The settings and files in use are told: with their values, where they are from, and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerapp.server.api import Setting
from accelerapp.server.config import Settings
from accelerapp.server.configuration import read_files
from accelerapp.server.settings_in_use import settings_in_use


def told(settings: Settings) -> dict[str, Setting]:
    return {one.name: one for one in settings_in_use(settings)}


def test_a_setting_tells_where_it_is_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERAPP_MAX_SERIES", "5")
    monkeypatch.setenv("ACCELERAPP_PORT", "1")
    found = told(Settings.model_validate({"port": 2}))
    assert (found["max_series"].value, found["max_series"].source) == ("5", "environment")
    assert (found["max_series"].number, found["max_series"].default) == (5, "1000000")
    # An option goes before the variable.
    assert (found["port"].value, found["port"].source) == ("2", "option")
    assert (found["host"].value, found["host"].source) == ("127.0.0.1", "default")
    assert found["beats_port"].value == "off"
    assert found["query_timeout"].unit == "seconds"


def test_an_environment_that_is_wrong_but_not_used_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERAPP_PORT", "wrong")
    assert told(Settings.model_validate({"port": 2}))["port"].source == "option"


def test_a_password_in_an_address_is_hidden() -> None:
    found = told(Settings.model_validate({"ollama_url": "http://me:hidden@ollama:11434/x"}))["ollama_url"]
    assert found.value == "http://<secret>@ollama:11434/x"


def test_the_overlay_is_shown_without_the_secrets_of_either_file(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yml"
    overlay.write_text(
        """
scrape_configs:
  - job_name: mine
    basic_auth: {username: shown, password: hidden-1}
    static_configs: [{targets: ['localhost:9']}]
receivers:
  - name: mine
    webhook_configs: [{url: 'http://localhost:9/hidden-2'}]
route:
  routes: [{receiver: mine, matchers: ['a="b"']}]
"""
    )
    files = read_files(Settings.model_validate({"overlay_file": overlay}))
    assert "hidden" not in files.overlay
    assert "username: shown" in files.overlay
    roles = [one.role for one in files.in_use]
    assert roles.count("overlay") == roles.count("scrape") == roles.count("routes") == 1
    assert roles.count("rules") >= 3
    assert all(one.modified is not None for one in files.in_use)
    assert read_files(Settings.model_validate({})).overlay == ""
