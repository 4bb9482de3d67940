"""The page /docs: the service's OpenAPI description as plain HTML.

FastAPI's own page loads its scripts from a CDN; this one asks nothing of any other machine.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("accelerapp.codegen"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("docs.html.j2")


def add_docs(app: FastAPI) -> None:
    """Add the route /docs to an application."""

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        description = app.openapi()

        def schema(body: dict[str, Any]) -> str:
            content = body["content"]["application/json"]["schema"]
            return json.dumps(_resolved(content, description, 12), indent=2, ensure_ascii=False)

        return HTMLResponse(
            _template().render(
                info=description["info"],
                paths=description["paths"],
                schema=schema,
                base_url=str(request.base_url),
            )
        )


def _resolved(node: Any, description: dict[str, Any], depth: int) -> Any:
    """Return a schema with its references replaced by what they name."""
    if isinstance(node, list):
        return [_resolved(item, description, depth) for item in node]
    if not isinstance(node, dict) or depth == 0:
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return _resolved(description["components"]["schemas"][name], description, depth - 1)
    return {key: _resolved(value, description, depth) for key, value in node.items() if key != "mapping"}
