"""The programs that the demo starts, each a process with its own log, ended when the demo ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_GRACE_SECONDS = 15.0


def _surroundings() -> dict[str, str]:
    """Return the environment without settings of the person's own, which must not bend the story."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("ACCELERAPP_", "OTEL_", "LOGSTASH_"))}


class Program:
    """One `accelerapp` command as a child process; its output goes to a file."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            # A session of its own: Ctrl-C reaches only the demo, which then ends its programs in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "accelerapp.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**_surroundings(), **environment},
                start_new_session=True,
            )

    def ended(self) -> str | None:
        """Return why the program ended on its own, with the end of its log; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        tail = self.log.read_text(errors="replace").strip().splitlines()[-12:]
        return f"{self.name} ended with code {code}:\n  " + "\n  ".join(tail)

    def stop(self) -> None:
        """End the program, politely first."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
