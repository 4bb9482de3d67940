"""Errors as JSON problem details (RFC 9457), with the ids under which logs and traces have more."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from accelerapp.codegen.backend import GenerationError
from accelerapp.codegen.limiter import BusyError
from accelerapp.codegen.requests import InvalidDocumentError, pointer
from accelerapp.monitoring import current_trace, get_correlation_id

MEDIA_TYPE = "application/problem+json"


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """Return one problem; `more` are its extension members."""
    trace = current_trace()
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "trace_id": trace[0] if trace else None,
        "correlation_id": get_correlation_id(),
        **more,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Have all errors of an application answered as problems."""

    @app.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, exc: RequestValidationError) -> JSONResponse:
        errors = [
            {
                "pointer": pointer([part for part in error["loc"] if part != "body"]),
                "detail": error["msg"],
            }
            for error in exc.errors()
        ]
        return problem(422, "Invalid request", _first(errors), errors=errors)

    @app.exception_handler(InvalidDocumentError)
    async def invalid_document(request: Request, exc: InvalidDocumentError) -> JSONResponse:
        return problem(422, exc.title, _first(exc.errors), errors=exc.errors)

    @app.exception_handler(BusyError)
    async def busy(request: Request, exc: BusyError) -> JSONResponse:
        response = problem(exc.status, exc.title, str(exc))
        response.headers["Retry-After"] = str(exc.retry_after)
        return response

    @app.exception_handler(GenerationError)
    async def failed_generation(request: Request, exc: GenerationError) -> JSONResponse:
        return problem(502, "Code generation failed", str(exc), reason=exc.reason)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, exc: HTTPException) -> JSONResponse:
        response = problem(exc.status_code, "Request refused", str(exc.detail))
        response.headers.update(exc.headers or {})
        return response

    @app.exception_handler(Exception)
    async def unexpected(request: Request, exc: Exception) -> JSONResponse:
        return problem(500, "Internal error", "an error of the service; its logs have more")


def _first(errors: list[dict[str, Any]]) -> str:
    first = errors[0]
    where = first["pointer"].removeprefix("#").removeprefix("/")
    if "line" in first:
        where = f"{where or 'the body'} (line {first['line']}, column {first['column']})"
    head = f"{where}: {first['detail']}" if where else str(first["detail"])
    return head if len(errors) == 1 else f"{head} (and {len(errors) - 1} more)"
