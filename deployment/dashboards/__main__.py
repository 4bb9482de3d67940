"""Writes the dashboards' JSON into deployment/observability/grafana; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deployment.dashboards.boards import ALL
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parents[1] / "observability" / "grafana"
#: What is found first stands beside the data sources, under the name that it has always had.
OVERVIEW = "dashboard-system-overview.json"


def files() -> dict[str, str]:
    """Return the text of each dashboard's file, by its path within the folder."""
    overview, *more = (make() for make in ALL)
    boards = {OVERVIEW: overview} | {f"dashboards/{board.uid}.json": board for board in more}
    return {
        path: json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for path, board in boards.items()
    }


def written() -> dict[str, str]:
    """Return the text of each file that is there."""
    paths = [FOLDER / OVERVIEW, *FOLDER.glob("dashboards/*.json")]
    return {path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def main() -> None:
    made, there = files(), written()
    if "--check" in sys.argv and made != there:
        sys.exit("deployment/observability/grafana is behind its code; run `make generate`")
    for path, text in made.items():
        (FOLDER / path).write_text(text, encoding="utf-8")
    for path in there.keys() - made.keys():
        (FOLDER / path).unlink()


if __name__ == "__main__":
    main()
