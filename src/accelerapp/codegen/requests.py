"""A specification from a request: JSON or YAML, every wrong field with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from pydantic import ValidationError
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool

from accelerapp.codegen.documents import JSON, YAML_TYPES, Document, UnreadableError, read_document
from accelerapp.codegen.specification import HardwareSpecification
from accelerapp.codegen.specification_check import SpecificationError
from accelerapp.observability import trace_block

#: Fields that are told of one specification.
_MOST = 50
_SCHEMA = {"schema": {"$ref": "#/components/schemas/HardwareSpecification"}}
#: The request's body in the terms of OpenAPI: FastAPI does not read it, and so cannot describe it.
OPENAPI = {"requestBody": {"required": True, "content": {JSON: _SCHEMA, YAML_TYPES[0]: _SCHEMA}}}


def describe_specification(app: FastAPI) -> None:
    """Have an application's OpenAPI description contain the schemas of a specification."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        description = describe()
        _, made = models_json_schema(
            [(HardwareSpecification, "validation")], ref_template="#/components/schemas/{model}"
        )
        description["components"]["schemas"].update(made["$defs"])
        return description

    app.openapi = openapi  # type: ignore[method-assign]


class InvalidDocumentError(Exception):
    """A body that is no specification; `errors` are the members of a problem's `errors`."""

    def __init__(self, title: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(title)
        self.title = title
        self.errors = errors


async def read_specification(request: Request) -> tuple[HardwareSpecification, Document]:
    """Read the specification that a request carries.

    Raises:
        HTTPException: 415, the media type is neither JSON nor YAML.
        InvalidDocumentError: the body cannot be read, or is no specification.
    """
    media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type != JSON and not media_type.endswith("+json") and media_type not in YAML_TYPES:
        raise HTTPException(415, f"{media_type} is not accepted: send {JSON} or {YAML_TYPES[0]}")
    body = await request.body()
    with trace_block(
        "read specification", {"accelerapp.media_type": media_type, "accelerapp.bytes": len(body)}
    ):
        try:
            document = await run_in_threadpool(read_document, body, media_type)
        except UnreadableError as exc:
            place = {"line": exc.line, "column": exc.column} if exc.line else {}
            raise InvalidDocumentError(
                "The body cannot be read", [{"pointer": "#", "detail": str(exc), **place}]
            ) from exc
        return await run_in_threadpool(_specification, document), document


def _specification(document: Document) -> HardwareSpecification:
    """Return the specification that a document holds; blocks where it has many fields too many."""
    try:
        return HardwareSpecification.model_validate(document.data)
    except ValidationError as exc:
        found = [
            (_without_tags(error["loc"], document.data), error["msg"])
            for error in exc.errors(include_url=False, include_input=False)[:_MOST]
        ]
        raise InvalidDocumentError("The specification is malformed", field_errors(found, document)) from exc


def not_buildable(exc: SpecificationError, document: Document) -> InvalidDocumentError:
    """Return the error of a specification that is well-formed and cannot be built."""
    return InvalidDocumentError("The specification cannot be built", field_errors(exc.problems, document))


def field_errors(
    problems: Sequence[tuple[Sequence[str | int], str]], document: Document
) -> list[dict[str, Any]]:
    """Return each wrong field as RFC 9457 has it in its example: a JSON Pointer (RFC 6901) and what is wrong.

    Of YAML, line and column are told as well.
    """
    errors: list[dict[str, Any]] = []
    for path, detail in problems[:_MOST]:
        error: dict[str, Any] = {"pointer": pointer(path), "detail": detail}
        place = document.place(path)
        if place is not None:
            error["line"], error["column"] = place
        errors.append(error)
    return errors


def pointer(path: Sequence[str | int]) -> str:
    """Return the path of a field as a JSON Pointer in a fragment."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _without_tags(location: Sequence[str | int], data: Any) -> list[str | int]:
    """Leave out of a pydantic location the names of the union's members, which are no fields."""
    path: list[str | int] = []
    for part in location:
        if isinstance(data, dict) and part not in data and part in (data.get("type"), data.get("kind")):
            continue
        path.append(part)
        data = _inner(data, part)
    return path


def _inner(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None
