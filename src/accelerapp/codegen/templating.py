"""The templates of one platform, and what all of them use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jinja2

from accelerapp.codegen.specification import QUANTITIES, pins_of


def environment(package: str, filters: Mapping[str, Callable[..., str]]) -> jinja2.Environment:
    """Return the templates of a platform's package, and behind them those that all platforms share.

    They write code, where nothing is escaped: every value goes through a filter that writes it in the language.
    """
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package), jinja2.PackageLoader("accelerapp.codegen")]
        ),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update({"markdown": _markdown, **filters})
    made.globals.update({"pins_of": pins_of, "quantities": QUANTITIES})
    return made


def _markdown(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>()#+-.!|" else char for char in text)
