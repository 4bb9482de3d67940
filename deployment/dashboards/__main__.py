"""Writes the dashboards' JSON into deployment/observability/grafana/dashboards; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deployment.dashboards.boards import ALL
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parents[1] / "observability" / "grafana" / "dashboards"


def files() -> dict[str, str]:
    """Return the text of each dashboard's file, by its name."""
    boards = [make() for make in ALL]
    return {
        f"{board.uid}.json": json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
        + "\n"
        for board in boards
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made = files()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    if "--check" in sys.argv and made != there:
        sys.exit("deployment/observability/grafana/dashboards is behind its code; run `make generate`")
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name in there.keys() - made.keys():
        (FOLDER / name).unlink()


if __name__ == "__main__":
    main()
