"""The files that travel with the program: rules, routes, dashboards, playbooks, pages and examples."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "shipped"
_IN_CHECKOUT = {
    "observability": _PACKAGE.parents[1] / "deployment" / "observability",
    "specs": _PACKAGE.parents[1] / "examples" / "specs",
    "docs": _PACKAGE.parents[1] / "docs",
    "examples": _PACKAGE.parents[1] / "examples",
}


def shipped(name: str) -> Path:
    """Return a folder by its name, a key of the table above: from the wheel, or from the checkout it is edited in.

    Raises FileNotFoundError where the installation lacks it.
    """
    for folder in (_IN_WHEEL / name, _IN_CHECKOUT[name]):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its folder {name!r}: reinstall accelerapp")
