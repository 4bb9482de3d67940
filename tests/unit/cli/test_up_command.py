"""What `accelerapp up` says where it cannot start, and of settings that are not what they seem."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from accelerapp.cli.command import app


def up(*arguments: object) -> tuple[int, str]:
    said = CliRunner().invoke(app, ["up", "--port", "0", *(str(one) for one in arguments)])
    return said.exit_code, said.output


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "ZIPKIN_PORT",
            "banana",
            "--zipkin-port (ACCELERAPP_ZIPKIN_PORT): give the number of a port, 0 for a free one, or off",
        ),
        ("RETENTION", "soon", "accelerapp up: ACCELERAPP_RETENTION, in seconds: "),
        (
            "OLLAMA_URL",
            "localhost:11434",
            "(ACCELERAPP_OLLAMA_URL): give a URL that begins with http:// or https://",
        ),
        ("PLAYBOOKS_DIR", "/nowhere", "ACCELERAPP_PLAYBOOKS_DIR: give a folder that is there"),
        ("TARGETS_DIR", __file__, "(ACCELERAPP_TARGETS_DIR): give a folder"),
        ("DATA_DIR", __file__, "--data-dir (ACCELERAPP_DATA_DIR): give a folder"),
    ],
)
def test_a_wrong_setting_is_named_by_what_changes_it_with_its_value(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ACCELERAPP_{variable}", value)
    code, said = up()
    assert code == 2
    assert message in said
    assert value in said


def test_a_data_folder_that_cannot_be_one_is_named_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    code, said = up("--data-dir", file / "data")
    assert code == 1
    assert f"the data folder {file / 'data'} cannot be opened: Not a directory; " in said
    assert "--data-dir" in said


def test_a_variable_that_is_named_almost_like_a_setting_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERAPP_RETENTIONS", "60")
    monkeypatch.setenv("ACCELERAPP_CODEGEN_BACKEND", "templates")
    _, said = up("--prometheus-file", tmp_path / "none.yml", "--data-dir", tmp_path / "data")
    assert [line for line in said.splitlines() if line.startswith("warning: ")] == [
        "warning: the environment variable ACCELERAPP_RETENTIONS is no setting; did you mean ACCELERAPP_RETENTION?"
    ]
