"""The files that travel with the program: rules, routes, dashboards, playbooks and example specifications."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "shipped"
_IN_CHECKOUT = {
    "observability": _PACKAGE.parents[1] / "deployment" / "observability",
    "specs": _PACKAGE.parents[1] / "examples" / "specs",
}


def shipped(name: str) -> Path:
    """Return the folder `name` ("observability" or "specs"): from the wheel, or from the checkout it is edited in.

    Raises FileNotFoundError where the installation lacks it.
    """
    for folder in (_IN_WHEEL / name, _IN_CHECKOUT[name]):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its folder {name!r}: reinstall accelerapp")
