"""Rule files and alertmanager.yml of the corpus: what loads, and what each mistake is answered with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accelerapp.server.alerting import load_alertmanager
from accelerapp.server.rules import load_rule_files

CORPUS = Path(__file__).parents[3] / "corpus" / "configs"
Check = Callable[[Path, Callable[[Path], object]], None]


@pytest.mark.parametrize("path", sorted((CORPUS / "rules").glob("*.yml")), ids=lambda path: path.name)
def test_rule_file(path: Path, check_config: Check) -> None:
    check_config(path, lambda path: load_rule_files([path], default_interval_seconds=60))


@pytest.mark.parametrize("path", sorted((CORPUS / "alertmanager").glob("*.yml")), ids=lambda path: path.name)
def test_alertmanager_file(path: Path, check_config: Check) -> None:
    check_config(path, load_alertmanager)
