"""What is laid over alertmanager.yml: receivers merged by name, and routes added after the file's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from accelerapp.server.alerting.route import Route
from accelerapp.server.configfile import ConfigError, Problem

_KEYS = ("receivers", "route", "scrape_configs")  # the last one is for the scraper


def merge_overlay(data: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file's data with the overlay's receivers and routes; raises ConfigError."""
    for key in overlay:
        if key not in _KEYS:
            raise _refused(str(key), "unknown key; an overlay has receivers, route and scrape_configs")
    merged = {**data, "receivers": [dict(receiver) for receiver in data.get("receivers") or []]}
    by_name = {receiver.get("name"): receiver for receiver in merged["receivers"]}
    for index, added in enumerate(_mappings(overlay.get("receivers"), "receivers")):
        if not isinstance(added.get("name"), str) or not added["name"]:
            raise _refused(f"receivers[{index}]", "a receiver needs a name; add `name:`")
        known = by_name.get(added["name"])
        if known is None:
            by_name[added["name"]] = dict(added)
            merged["receivers"].append(by_name[added["name"]])
            continue
        for key, value in added.items():
            if key == "name":
                continue
            if not isinstance(value, list):
                raise _refused(f"receivers[{index}].{key}", "must be a list of integrations")
            known[key] = [*(known.get(key) or []), *value]
    routes = _routes(overlay.get("route"))
    if routes:
        route = dict(merged["route"])
        merged["route"] = {**route, "routes": [*(route.get("routes") or []), *routes]}
    return merged


def unreached(route: Route, overlay: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each receiver of the overlay that no route names: it would never be told anything.

    `route` is the merged tree.
    """
    named = {node.receiver for node in _nodes(route)}
    for index, added in enumerate(overlay.get("receivers") or []):
        if added["name"] not in named:
            known = ", ".join(sorted(named))
            yield Problem(
                "overlay",
                0,
                0,
                f"receivers[{index}].name",
                f'no route uses the receiver "{added["name"]}", so it would be told of nothing; '
                f"name one that a route uses ({known}), or add a route to it under route.routes",
            )


def _nodes(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from _nodes(child)


def _routes(route: object) -> list[dict[str, Any]]:
    if route is None:
        return []
    if not isinstance(route, dict):
        raise _refused("route", "must be a mapping with `routes`")
    for key in route:
        if key != "routes":
            raise _refused(
                f"route.{key}", "an overlay's route has only `routes`, which are added after the file's"
            )
    return _mappings(route.get("routes"), "route.routes")


def _mappings(value: object, where: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _refused(where, "must be a list of mappings")
    return value


def _refused(where: str, message: str) -> ConfigError:
    return ConfigError([Problem("overlay", 0, 0, where, message)])
