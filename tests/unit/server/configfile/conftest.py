"""Cases of the configuration corpus: `*.good.yml`, and `*.bad.yml` with the expected messages in comments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accelerapp.server.configfile import ConfigError

CORPUS = Path(__file__).parents[3] / "corpus" / "configs"


def check(path: Path, load: Callable[[Path], object]) -> None:
    """Load a case: a good one must load, a bad one must name everything that it expects, and nothing more."""
    if path.name.endswith(".good.yml"):
        load(path)
        return
    expected = [
        line.removeprefix("# expect ").strip()
        for line in path.read_text().splitlines()
        if line.startswith("# expect ")
    ]
    assert expected, f"{path} expects nothing"
    with pytest.raises(ConfigError) as caught:
        load(path)
    problems = str(caught.value).splitlines()
    for text in expected:
        assert any(text in problem for problem in problems), f"{text!r} is not in:\n{caught.value}"
    assert len(problems) == len(expected), str(caught.value)


@pytest.fixture
def check_config() -> Callable[[Path, Callable[[Path], object]], None]:
    return check
