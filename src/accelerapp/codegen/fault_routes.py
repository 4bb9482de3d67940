"""The routes of the fault switch, behind a bearer token; without a token set they are not there."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Depends, HTTPException, Request

from accelerapp.codegen.faults import Faults, FaultSwitch
from accelerapp.monitoring import get_logger

_logger = get_logger("accelerapp.codegen.faults")


def fault_routes(switch: FaultSwitch, token: str | None) -> APIRouter:
    """Return routes that read, set and clear the faults."""

    def authorize(request: Request) -> None:
        if token is None:
            raise HTTPException(404, "Not Found")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), token.encode()):
            raise HTTPException(
                401, "the fault switch needs its bearer token", headers={"WWW-Authenticate": "Bearer"}
            )

    router = APIRouter(
        dependencies=[Depends(authorize)], tags=["fault switch"], include_in_schema=token is not None
    )

    def put(faults: Faults) -> Faults:
        switch.faults = faults
        _logger.warning("faults are now %s", faults.model_dump(), extra={"extra_fields": faults.model_dump()})
        return faults

    @router.get("/v1/faults")
    async def get_faults() -> Faults:
        """Tell which faults are on."""
        return switch.faults

    @router.put("/v1/faults")
    async def put_faults(faults: Faults) -> Faults:
        """Switch faults on; those left out are off."""
        return put(faults)

    @router.delete("/v1/faults")
    async def delete_faults() -> Faults:
        """Switch all faults off."""
        return put(Faults())

    return router
