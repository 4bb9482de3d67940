"""The routes of the fault switch, behind a bearer token; without a token set they are not there."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request

from accelerapp.codegen.faults import Faults, FaultSwitch
from accelerapp.monitoring import audit


def fault_routes(switch: FaultSwitch, token: str | None) -> APIRouter:
    """Return routes that read, set and clear the faults."""

    def authorize(request: Request) -> None:
        if token is None:
            raise HTTPException(404, "Not Found")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), token.encode()):
            audit(
                "fault-switch-access",
                "the fault switch was refused: no or a wrong bearer token",
                category="authentication",
                kind="start",
                outcome="failure",
                level=logging.WARNING,
                fields=_client(request),
            )
            raise HTTPException(
                401, "the fault switch needs its bearer token", headers={"WWW-Authenticate": "Bearer"}
            )

    router = APIRouter(
        dependencies=[Depends(authorize)], tags=["fault switch"], include_in_schema=token is not None
    )

    def put(faults: Faults, request: Request) -> Faults:
        switch.faults = faults
        now = faults.model_dump()
        audit(
            "fault-injection-changed",
            f"faults are now {now}",
            level=logging.WARNING,
            fields=now | _client(request),
        )
        return faults

    @router.get("/v1/faults")
    async def get_faults() -> Faults:
        """Tell which faults are on."""
        return switch.faults

    @router.put("/v1/faults")
    async def put_faults(faults: Faults, request: Request) -> Faults:
        """Switch faults on; those left out are off."""
        return put(faults, request)

    @router.delete("/v1/faults")
    async def delete_faults(request: Request) -> Faults:
        """Switch all faults off."""
        return put(Faults(), request)

    return router


def _client(request: Request) -> dict[str, Any]:
    """Return who asks, as far as the connection tells: the token is shared, and is never logged."""
    return {"source.address": request.client.host} if request.client else {}
