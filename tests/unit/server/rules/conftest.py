"""Files of `promtool test rules`, run by our own engine and rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accelerapp.server.oncall.rule_tests import Failure, run_rule_tests


@pytest.fixture
def promtool_file() -> Callable[[Path], list[Failure]]:
    return lambda path: list(run_rule_tests(path))
