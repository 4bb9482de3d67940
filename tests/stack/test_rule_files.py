"""The shipped rules and their tests, checked by the real promtool, as are the cases of our rule corpus."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deployment" / "observability"
TESTS = [
    *sorted((SHIPPED / "tests").glob("*.test.yml")),
    *sorted((ROOT / "tests" / "corpus" / "rules").glob("*.test.yml")),
]
CONFIGS = ROOT / "tests" / "corpus" / "configs" / "rules"

pytestmark = pytest.mark.stack


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "path", sorted((SHIPPED / "prometheus").glob("*rules.yml")), ids=lambda path: path.name
)
def test_shipped_rules_are_valid(promtool: Path, path: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_promtool_passes_the_tests_that_ours_passes(promtool: Path, path: Path) -> None:
    done = run(promtool, "test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yml")), ids=lambda path: path.name)
def test_promtool_accepts_and_refuses_the_files_that_we_do(promtool: Path, path: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=none", path)
    ours_only = "# ours only" in path.read_text()
    refused = path.name.endswith(".bad.yml") and not ours_only
    assert (done.returncode != 0) == refused, done.stdout + done.stderr


def test_the_shipped_scrape_file_is_valid(promtool: Path) -> None:
    done = run(promtool, "check", "config", SHIPPED / "embedded" / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alert-rules.yml" in done.stdout  # its rule files were found and checked with it
