"""Targets in files, which change while they are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from accelerapp.server.configfile import ConfigError
from accelerapp.server.ingest.discovery import TargetFiles, read_groups


def addresses(files: TargetFiles) -> list[str]:
    return [address for group in files.groups() for address in group.addresses]


def write(path: Path, text: str) -> None:
    """Write a file so that it has another time than before, however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10_000_000_000, before + 10_000_000_000))


def test_files_that_come_change_and_go_change_the_targets(tmp_path: Path) -> None:
    files = TargetFiles([tmp_path / "*.yml", tmp_path / "one.json"])
    assert not files.refresh()
    write(tmp_path / "b.yml", "- {targets: [b:1], labels: {team: blue}}")
    write(tmp_path / "one.json", '[{"targets": ["j:1"]}]')
    write(tmp_path / "other.txt", "- {targets: [x:1]}")
    assert files.refresh()
    assert addresses(files) == ["b:1", "j:1"]
    assert files.groups()[0].labels == (("__meta_filepath", str(tmp_path / "b.yml")), ("team", "blue"))
    assert not files.refresh()
    write(tmp_path / "a.yml", "- {targets: [a:1, a:2]}")
    write(tmp_path / "b.yml", "- {targets: [b:2]}")
    assert files.refresh()
    assert addresses(files) == ["a:1", "a:2", "b:2", "j:1"]
    (tmp_path / "a.yml").unlink()
    assert files.refresh()
    assert addresses(files) == ["b:2", "j:1"]


def test_a_file_with_a_mistake_keeps_its_targets_and_is_counted_once(tmp_path: Path) -> None:
    files = TargetFiles([tmp_path / "*.yml"])
    write(tmp_path / "a.yml", "- targets: [a:1]")
    files.refresh()
    write(tmp_path / "a.yml", "- targets: 5")
    files.refresh()
    files.refresh()
    assert addresses(files) == ["a:1"]
    assert files.failures == 1
    assert "a.yml:1:12" in files.errors[tmp_path / "a.yml"]
    write(tmp_path / "a.yml", "- targets: [a:2]")
    files.refresh()
    assert (addresses(files), files.errors) == (["a:2"], {})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yml", "targets: [a:1]", "list"),
        ("a.yml", "- {targets: [a:1], label: {}}", "unknown key"),
        ("a.yml", "- [", "not valid YAML"),
        ("a.json", "[", "cannot be read as JSON"),
        ("a.json", '[{"targets": ["a:1"], "labels": {"n": 1}}]', "text"),
        ("a.json", "[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_groups(tmp_path / name)
    assert name in str(refused.value)
    assert message in str(refused.value)


def test_an_empty_file_has_no_targets(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("", encoding="utf-8")
    assert read_groups(tmp_path / "a.yml") == ()


def test_the_file_of_the_how_to_is_one_of_targets(tmp_path: Path) -> None:
    page = Path(__file__).parents[4] / "docs" / "howto" / "run-the-observatory.md"
    _, _, rest = page.read_text(encoding="utf-8").partition(
        "```yaml\n# ~/.config/accelerapp/targets.d/shop.yml\n"
    )
    (tmp_path / "shop.yml").write_text(rest.partition("```")[0], encoding="utf-8")
    (group,) = read_groups(tmp_path / "shop.yml")
    assert group.addresses == ("localhost:8000",)
    assert {("job", "shop"), ("service", "shop")} <= set(group.labels)
