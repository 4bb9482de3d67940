"""The outages take a quarter of an hour together: they are of `make test-stack`."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="package", autouse=True)
def everything() -> None:
    """Skip where not everything is asked for."""
    if os.environ.get("ACCELERAPP_STACK") != "all":
        pytest.skip("each server is killed for half a minute by make test-stack alone")
