"""Prometheus' HTTP API, version 1, in the form and with the errors of the original."""

from __future__ import annotations

from starlette.routing import Route

from accelerapp.server.api.prometheus import (
    features,
    lifecycle,
    metadata,
    queries,
    rules,
    series,
    status,
    targets,
)
from accelerapp.server.api.services import Services


def routes(services: Services) -> list[Route]:
    """Return the routes of the API over a running observatory."""
    nouns = (queries, series, metadata, targets, rules, status, features, lifecycle)
    return [route for noun in nouns for route in noun.routes(services)]
