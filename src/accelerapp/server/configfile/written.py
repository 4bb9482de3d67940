"""A configuration as it may be shown: without the secrets that stand in it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

#: What stands for a secret, which Alertmanager's tools know.
HIDDEN: Final = "<secret>"
#: Tells by the keys that lead to a text whether it is a secret; what is in a list has the keys of the list.
IsSecret = Callable[[tuple[str, ...]], bool]

_RESOLVER: Final = YAML(typ="safe", pure=True).resolver


class _Representer(SafeRepresenter):
    """Writes texts without quotes where that is possible: `true` and `5` are texts in what was read."""


def _represent(representer: SafeRepresenter, text: str) -> ScalarNode:
    if text in ("", "~", "null", "Null", "NULL") or "\n" in text:
        return representer.represent_scalar("tag:yaml.org,2002:str", text)
    tag = _RESOLVER.resolve(ScalarNode, text, (True, False))
    return representer.represent_scalar(tag, text)


_Representer.add_representer(str, _represent)


def written(data: Any, is_secret: IsSecret) -> str:
    """Write a document's data, whose scalars are texts, as YAML; secrets are hidden."""
    writer = YAML(typ="safe", pure=True)
    writer.Representer = _Representer
    writer.default_flow_style = False
    writer.width = 10_000
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = io.StringIO()
    writer.dump(_without_secrets(data, (), is_secret), text)
    return text.getvalue()


def _without_secrets(value: Any, path: tuple[str, ...], is_secret: IsSecret) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item, (*path, key), is_secret) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item, path, is_secret) for item in value]
    return HIDDEN if value and is_secret(path) else value
