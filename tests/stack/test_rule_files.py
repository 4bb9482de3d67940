"""The shipped rules and their tests, checked by the real promtool of today and of 2.47, as is our rule corpus."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deployment" / "observability"
TESTS = [
    *sorted((SHIPPED / "tests").glob("*.test.yml")),
    *sorted((ROOT / "tests" / "corpus" / "rules").glob("*.test.yml")),
]
VERDICTS = sorted((ROOT / "tests" / "corpus" / "rules" / "verdicts").glob("*.*.yml"))
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


@pytest.mark.parametrize(
    "path", sorted((SHIPPED / "prometheus").glob("*rules.yml")), ids=lambda path: path.name
)
def test_shipped_rules_are_valid_in_2_47(old_promtool: Path, path: Path) -> None:
    done = run(old_promtool, "check", "rules", "--lint=all", "--lint-fatal", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((SHIPPED / "tests").glob("*.test.yml")), ids=lambda path: path.name)
def test_shipped_rules_pass_their_tests_in_2_47(old_promtool: Path, path: Path) -> None:
    done = run(old_promtool, "test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_promtool_passes_the_tests_that_ours_passes(promtool: Path, path: Path) -> None:
    done = run(promtool, "test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", VERDICTS, ids=lambda path: path.name)
def test_promtool_says_of_a_test_what_its_name_says(promtool: Path, path: Path) -> None:
    done = run(promtool, "test", "rules", path)
    assert (done.returncode == 0) == path.name.endswith(".passes.yml"), done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yml")), ids=lambda path: path.name)
def test_promtool_accepts_and_refuses_the_files_that_we_do(promtool: Path, path: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=none", path)
    ours_only = "# ours only" in path.read_text()
    refused = path.name.endswith(".bad.yml") and not ours_only
    assert (done.returncode != 0) == refused, done.stdout + done.stderr


def test_the_embedded_scrape_file_is_valid(promtool: Path) -> None:
    done = run(promtool, "check", "config", SHIPPED / "embedded" / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alert-rules.yml" in done.stdout  # its rule files were found and checked with it


def check_as_in_compose(promtool: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check prometheus.yml with its files laid out as Compose mounts them; its syntax, where files are a cluster's."""
    shutil.copytree(SHIPPED / "prometheus", folder / "prometheus")
    (folder / "prometheus" / "targets" / "compose").rename(folder / "compose")
    shutil.rmtree(folder / "prometheus" / "targets")
    (folder / "compose").rename(folder / "prometheus" / "targets")
    return run(promtool, "check", "config", "--syntax-only", folder / "prometheus" / "prometheus.yml")


def test_the_scrape_file_of_the_stack_is_valid(promtool: Path, tmp_path: Path) -> None:
    done = check_as_in_compose(promtool, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scrape_file_of_the_stack_is_valid_in_2_47(old_promtool: Path, tmp_path: Path) -> None:
    done = check_as_in_compose(old_promtool, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
