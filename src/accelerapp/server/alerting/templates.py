"""The templates of notifications: those that Alertmanager brings along, and those of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from accelerapp.server.gotemplate import (
    ALERTMANAGER_FUNCTIONS,
    ALERTMANAGER_UNSUPPORTED,
    Definition,
    Functions,
    Template,
    TemplateError,
    escaped,
    notification_functions,
    parse,
)

DEFAULTS: Final = Path(__file__).parent / "defaults.tmpl"


def parse_file(path: Path) -> Template:
    """Read one file of templates; raises OSError, UnicodeDecodeError or TemplateError."""
    return _parsed(path.read_text("utf-8"), str(path), {})


def _parsed(text: str, name: str, definitions: Mapping[str, Definition]) -> Template:
    return parse(
        text,
        name,
        ALERTMANAGER_FUNCTIONS,
        unsupported=ALERTMANAGER_UNSUPPORTED,
        definitions=definitions,
    )


class Templates:
    """Every named template, of which the later ones replace those before them with the same name."""

    def __init__(self, files: Iterable[Template] = ()) -> None:
        self._definitions = dict(parse_file(DEFAULTS).definitions)
        for file in files:
            self._definitions[Path(file.name).name] = Definition(file.nodes, file.text, file.name)
            self._definitions.update(file.definitions)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._definitions)

    def text(self, text: str) -> Template:
        """Prepare a text of a receiver; raises TemplateError."""
        return _parsed(text, "template", self._definitions)

    def html(self, text: str) -> Template:
        """Prepare a text whose values are escaped for HTML; raises TemplateError."""
        return escaped(self.text(text))


class Rendering:
    """Executes the texts of one receiver for one message; raises TemplateError."""

    def __init__(self, data: Any, now: Callable[[], float]) -> None:
        self._data = data
        self._functions: Functions = notification_functions(now)

    def __call__(self, template: Template) -> str:
        return template.execute(self._data, functions=self._functions)


def render_all(value: Any, render: Callable[[Template], str], typed: Callable[[str], Any]) -> Any:
    """Return a structure with each of its templates executed; `typed` reads what YAML makes of a text.

    Keys are templates too, and are texts.
    """
    if isinstance(value, Template):
        return typed(render(value))
    if isinstance(value, dict):
        return {
            render(key) if isinstance(key, Template) else key: render_all(item, render, typed)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [render_all(item, render, typed) for item in value]
    return value


__all__ = ["Rendering", "TemplateError", "Templates", "parse_file", "render_all"]
