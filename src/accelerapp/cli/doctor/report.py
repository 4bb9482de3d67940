"""Findings for people, and for programs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from accelerapp.cli.doctor.check import Check, Finding, Verdict

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILED: "bold red", Verdict.SKIPPED: "dim"}
_CHAPTER = "deployment/observability/README.md, Troubleshooting"


def print_table(found: Sequence[tuple[Check, Finding]]) -> None:
    """Print findings under the headings of the chapter."""
    # What is not a terminal has no width; rich's 80 columns would fold the lines for nobody.
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    heading = None
    for check, finding in found:
        if check.symptom is not heading:
            heading = check.symptom
            console.print(Text(f"\n{heading}", style="bold"))
        verdict = Text(f"{finding.verdict:<8}", style=_STYLES[finding.verdict])
        line = Text.assemble(verdict, f"{check.title}: {finding.text}")
        console.print(Padding(line, (0, 0, 0, 2)) if sys.stdout.isatty() else Text("  ") + line)
        if finding.mend:
            mend = Text(f"mend: {finding.mend}")
            console.print(Padding(mend, (0, 0, 0, 10)) if sys.stdout.isatty() else Text(" " * 10) + mend)
    console.print(Text(f"\n{summary(found)}"))


def summary(found: Sequence[tuple[Check, Finding]]) -> str:
    """Return how many ended how, and where to read on."""
    counted = Counter(finding.verdict for _, finding in found)
    several = {Verdict.WARNING: "warnings"}
    told = ", ".join(
        f"{count} {verdict if count == 1 else several.get(verdict, verdict)}"
        for verdict in Verdict
        if (count := counted[verdict])
    )
    if counted[Verdict.FAILED] or counted[Verdict.WARNING]:
        return f"{told}. The headings are those of {_CHAPTER}."
    return f"{told}."


def as_json(found: Sequence[tuple[Check, Finding]]) -> str:
    """Return findings as one JSON object."""
    return json.dumps(
        {
            "ok": not any(finding.verdict is Verdict.FAILED for _, finding in found),
            "checks": [
                {
                    "symptom": str(check.symptom),
                    "check": check.title,
                    "verdict": str(finding.verdict),
                    "finding": finding.text,
                    "mend": finding.mend,
                }
                for check, finding in found
            ],
        },
        indent=2,
        ensure_ascii=False,
    )
