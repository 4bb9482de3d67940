"""What is laid over alertmanager.yml: receivers merged by name, and routes added after the file's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from accelerapp.server.alerting.route import Route
from accelerapp.server.configfile import ConfigError, Document, Problem
from accelerapp.server.configfile.document import DocumentPath


def merge_overlay(document: Document, overlay: Document) -> Document:
    """Return the file with the overlay's receivers and routes, which keep their places; raises ConfigError."""
    data, added = document.data, overlay.data
    places: dict[DocumentPath, tuple[Document, DocumentPath]] = {}
    receivers = [dict(receiver) for receiver in data.get("receivers") or []]
    by_name = {receiver.get("name"): index for index, receiver in enumerate(receivers)}
    for index, receiver in enumerate(_mappings(overlay, added.get("receivers"), ("receivers",))):
        there: DocumentPath = ("receivers", index)
        if not isinstance(receiver.get("name"), str) or not receiver["name"]:
            raise _refused(overlay, there, "a receiver needs a name; add `name:`")
        here = by_name.setdefault(receiver["name"], len(receivers))
        if here == len(receivers):
            receivers.append(dict(receiver))
            places["receivers", here] = (overlay, there)
            continue
        for key, value in receiver.items():
            if key == "name":
                continue
            if not isinstance(value, list):
                raise _refused(overlay, (*there, key), "must be a list of integrations")
            known = receivers[here].get(key) or []
            receivers[here][key] = [*known, *value]
            if not known:
                places["receivers", here, key] = (overlay, (*there, key))
            for number in range(len(value)):
                places["receivers", here, key, len(known) + number] = (overlay, (*there, key, number))
    merged = {**data, "receivers": receivers}
    routes = _routes(overlay)
    if routes:
        known = merged["route"].get("routes") or []
        merged["route"] = {**merged["route"], "routes": [*known, *routes]}
        for number in range(len(routes)):
            places["route", "routes", len(known) + number] = (overlay, ("route", "routes", number))
    return replace(document, data=merged, merged=places)


def unreached(route: Route, overlay: Document) -> Iterator[Problem]:
    """Yield a problem for each receiver of the overlay that no route names: it would never be told anything.

    `route` is the merged tree.
    """
    named = {node.receiver for node in _nodes(route)}
    for index, added in enumerate(overlay.data.get("receivers") or []):
        if added["name"] not in named:
            known = ", ".join(sorted(named))
            yield overlay.problem(
                ("receivers", index, "name"),
                f'no route uses the receiver "{added["name"]}", so it would be told of nothing; '
                f"name one that a route uses ({known}), or add a route to it under route.routes",
            )


def _nodes(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from _nodes(child)


def _routes(overlay: Document) -> list[dict[str, Any]]:
    route = overlay.data.get("route")
    if route is None:
        return []
    if not isinstance(route, dict):
        raise _refused(overlay, ("route",), "must be a mapping with `routes`")
    for key in route:
        if key != "routes":
            message = "an overlay's route has only `routes`, which are added after the file's"
            raise _refused(overlay, ("route", key), message)
    return _mappings(overlay, route.get("routes"), ("route", "routes"))


def _mappings(overlay: Document, value: object, path: DocumentPath) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _refused(overlay, path, "must be a list of mappings")
    return value


def _refused(overlay: Document, path: DocumentPath, message: str) -> ConfigError:
    return ConfigError([overlay.problem(path, message, of_key=True)])
