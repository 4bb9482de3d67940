"""The command `accelerapp`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; says what to install where only the instrumentation library is."""
    try:
        from accelerapp.cli.command import app

        # A command imports what it needs when it is called, so that one extra is enough for its own command.
        app()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "accelerapp":
            raise
        sys.exit(
            f"accelerapp: the command needs {error.name!r}, which is not installed: "
            "pip install 'accelerapp[all]'"
        )
