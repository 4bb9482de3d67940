"""Writes deployment/observability/.env, which Compose reads by itself, from versions.env; `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "deployment" / "observability"
_HEAD = """\
# What `docker compose` reads by itself. Written from versions.env by `make generate`: change that file instead.

# Or core, logs, traces, or some of them with commas between. Without traces, let ACCELERAPP_OTLP_ENDPOINT be empty;
# without logs, ACCELERAPP_LOGSTASH_HOST: the application then sends nothing into the void.
COMPOSE_PROFILES=full

"""


def environment() -> str:
    """Return the text of .env."""
    lines = (FOLDER / "versions.env").read_text(encoding="utf-8").splitlines()
    return _HEAD + "".join(f"{line}\n" for line in lines if "=" in line and not line.startswith("#"))


def main() -> int:
    path, text = FOLDER / ".env", environment()
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in sys.argv:
        sys.exit("deployment/observability/.env is behind versions.env; run `make generate`")
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    main()
