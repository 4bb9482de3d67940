"""Evaluates NetworkPolicies as networking.k8s.io/v1 words them: what a pod may open at another, or at an address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class End:
    """A pod, by its namespace and labels; or an address without a pod."""

    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.244.0.1"


def may_open(
    policies: Iterable[Mapping[str, Any]], source: End, target: End, port: int, protocol: str = "TCP"
) -> bool:
    """Tell whether both the source's egress and the target's ingress let a connection to the port through."""
    policies = list(policies)
    return _lets(policies, source, target, port, protocol, "Egress") and _lets(
        policies, target, source, port, protocol, "Ingress"
    )


def _lets(
    policies: list[Mapping[str, Any]], own: End, other: End, port: int, protocol: str, direction: str
) -> bool:
    if own.namespace is None:
        return True
    selecting = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == own.namespace
        and direction in policy["spec"].get("policyTypes", ["Ingress"])
        and _matches(policy["spec"].get("podSelector", {}), own.labels)
    ]
    # A pod that no policy selects is not isolated.
    if not selecting:
        return True
    peers = "to" if direction == "Egress" else "from"
    return any(
        _port(rule.get("ports"), port, protocol) and _peer(rule.get(peers), own, other)
        for spec in selecting
        for rule in spec.get(direction.lower()) or []
    )


def _port(ports: list[Mapping[str, Any]] | None, port: int, protocol: str) -> bool:
    if not ports:
        return True
    return any(
        item.get("protocol", "TCP") == protocol
        and ("port" not in item or item["port"] <= port <= item.get("endPort", item["port"]))
        for item in ports
    )


def _peer(peers: list[Mapping[str, Any]] | None, own: End, other: End) -> bool:
    if not peers:
        return True
    return any(_is(peer, own, other) for peer in peers)


def _is(peer: Mapping[str, Any], own: End, other: End) -> bool:
    if "ipBlock" in peer:
        network = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        address = ipaddress.ip_address(other.address)
        # For addresses outside the cluster: what a block means for a pod's own address is up to the network plug-in.
        return other.namespace is None and address in network
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        # Every namespace has its own name as a label.
        if not _matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != own.namespace:
        return False
    return _matches(peer.get("podSelector", {}), other.labels)


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    for expression in selector.get("matchExpressions") or []:
        name, operator, values = expression["key"], expression["operator"], expression.get("values", [])
        has = {
            "In": labels.get(name) in values,
            "NotIn": labels.get(name) not in values,
            "Exists": name in labels,
            "DoesNotExist": name not in labels,
        }
        if not has[operator]:
            return False
    return True
