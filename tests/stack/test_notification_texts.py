"""The corpus of notification texts, executed by the real amtool."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.server.alerting.notices import CASES, data

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("case", CASES, ids=[case["template"] for case in CASES])
def test_amtool_makes_the_same_of_a_text(amtool: Path, tmp_path: Path, case: dict[str, Any]) -> None:
    given = tmp_path / "data.json"
    given.write_text(json.dumps(data()), encoding="utf-8")
    done = subprocess.run(
        [
            *(amtool, "template", "render", f"--template.glob={tmp_path}/*.tmpl"),
            *(f"--template.text={case['template']}", f"--template.data={given}"),
            f"--template.type={'html' if case.get('html') else 'text'}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) == ("error" not in case), done.stderr
    if "want" in case:
        assert done.stdout == case["want"]
