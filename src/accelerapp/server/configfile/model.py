"""Documents into pydantic models, with every error at its line."""

from __future__ import annotations

import difflib
import os
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from accelerapp.server.configfile.document import Document, parse, read
from accelerapp.server.configfile.errors import ConfigError, Problem

MAX_SECRET_BYTES: Final = 64 << 10

ModelT = TypeVar("ModelT", bound=BaseModel)


class ConfigModel(BaseModel):
    """The base of every model of a file: unknown keys are refused, a key without a value counts as absent.

    `not_supported` are keys that the file's original knows and that are refused here, each with the reason.
    """

    not_supported: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = _keys(cls)
        return {key: value for key, value in data.items() if value is not None or key not in known}


def _empty_text(value: object) -> object:
    return "" if value is None else value


def _resolve(path: Path, info: ValidationInfo) -> Path:
    directory = (info.context or {}).get("directory")
    if path.is_absolute() or directory is None:
        return path
    # As Go joins them: a file that is named from its neighbour's folder has one name, without "..".
    return Path(os.path.normpath(Path(directory) / path))


#: A text in which an absent value is the empty text, as in Go's YAML.
Text = Annotated[str, BeforeValidator(_empty_text)]

#: A path that starts from the directory of the file which names it.
RelativePath = Annotated[Path, AfterValidator(_resolve)]


def load(path: Path, model: type[ModelT]) -> ModelT:
    """Read a YAML file into a model; raises ConfigError that lists everything wrong with it."""
    return validate(read(path), model)


def loads(text: str, model: type[ModelT], name: str = "<text>", directory: Path | None = None) -> ModelT:
    """Read a YAML text into a model; `name` stands for the file in errors; raises ConfigError."""
    return validate(parse(text, name, directory or Path()), model)


def validate(document: Document, model: type[ModelT]) -> ModelT:
    """Check a document against a model; raises ConfigError that lists everything wrong with it."""
    data = {} if document.data is None else document.data
    try:
        return model.model_validate(data, context={"directory": document.directory})
    except ValidationError as error:
        raise ConfigError([_problem(document, model, dict(detail)) for detail in error.errors()]) from error


def read_secret(path: Path) -> str:
    """Return a secret file's content without white space around it; raises OSError or ValueError."""
    with path.open("rb") as file:
        raw = file.read(MAX_SECRET_BYTES + 1)
    if len(raw) > MAX_SECRET_BYTES:
        raise ValueError(f"{path} is larger than {MAX_SECRET_BYTES >> 10} KiB; a secret is one short line")
    return raw.decode("utf-8").strip()


def expand_globs(patterns: Sequence[Path]) -> list[Path]:
    """Return the files that the patterns name, in the patterns' order, each once.

    A pattern without wildcards is returned though no such file exists, so that reading it reports the error.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        if any(character in pattern.name for character in "*?["):
            found.update(dict.fromkeys(sorted(pattern.parent.glob(pattern.name))))
        else:
            found[pattern] = None
    return list(found)


def _problem(document: Document, model: type[BaseModel], detail: dict[str, Any]) -> Problem:
    path = _path(document, detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        return document.problem(path, _unknown_key(model, path), of_key=True)
    if kind == "missing":
        return document.problem(path, "this key is required; add it")
    return document.problem(path, _message(kind, detail), of_key=kind == "value_error" and not path)


_EXPECTED: Final = {
    "string_type": "a text",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "list_type": "a list (lines that begin with `- `)",
    "tuple_type": "a list (lines that begin with `- `)",
    "dict_type": "a mapping (`key: value`)",
    "model_type": "a mapping (`key: value`)",
    "path_type": "a path",
}


def _message(kind: str, detail: dict[str, Any]) -> str:
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    found = detail["input"]
    shown = {dict: "a mapping", list: "a list", type(None): "nothing"}.get(type(found), f'"{found}"')
    expected = _EXPECTED.get(kind)
    if expected is not None:
        return f"found {shown} where {expected} is expected; change it"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, found {shown}; change it"


def _path(document: Document, loc: Sequence[str | int]) -> tuple[str | int, ...]:
    """Drop the parts of pydantic's location that name a branch of a union and not a part of the file."""
    path: tuple[str | int, ...] = ()
    for index, part in enumerate(loc):
        candidate = (*path, part)
        if document.has(candidate) or index == len(loc) - 1:
            path = candidate
    return path


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _unknown_key(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    models = list(_models_at(model, path[:-1]))
    for found in models:
        if issubclass(found, ConfigModel) and (reason := found.not_supported.get(str(path[-1]))):
            return reason
    known = sorted({key for found in models for key in _keys(found)})
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    if close:
        return f'unknown key; did you mean "{close[0]}"?'
    return f"unknown key; known here: {', '.join(known)}" if known else "unknown key; remove it"


def _models_at(annotation: Any, path: Sequence[str | int]) -> Iterator[type[BaseModel]]:
    """Yield the models that a value at `path` may be, by walking the annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _models_at(get_args(annotation)[0], path)
    elif origin in (Union, types.UnionType):
        for choice in get_args(annotation):
            yield from _models_at(choice, path)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not path:
            yield annotation
        elif str(path[0]) in (keys := _keys(annotation)):
            yield from _models_at(keys[str(path[0])], path[1:])
    elif path and (arguments := [choice for choice in get_args(annotation) if choice is not Ellipsis]):
        yield from _models_at(arguments[-1], path[1:])
