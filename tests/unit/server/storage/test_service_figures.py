"""Services summed up: what each was asked, and what it asked of others that send no spans themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accelerapp.server.storage import Storage

BEGIN = 1_000_000
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
#: number, number of the parent, service, name, kind, nanoseconds, failed, attributes
Made = tuple[int, int, str, str, str, int, bool, dict[str, str]]


def request(*spans: Made) -> bytes:
    made = ExportTraceServiceRequest()
    for number, parent, service, name, kind, took, failed, attributes in spans:
        resource = made.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = service
        span = resource.scope_spans.add().spans.add(
            trace_id=b"\1" * 16,
            span_id=number.to_bytes(8, "big"),
            parent_span_id=parent.to_bytes(8, "big") if parent else b"",
            name=name,
            kind=KINDS[kind],
            start_time_unix_nano=BEGIN + number,
            end_time_unix_nano=BEGIN + number + took,
        )
        span.status.code = 2 if failed else 0  # type: ignore[assignment]
        for key, value in attributes.items():
            span.attributes.add(key=key).value.string_value = value
    return bytes(made.SerializeToString())


async def test_a_service_was_asked_what_came_from_outside_of_it(
    open_storage: Callable[..., Storage],
) -> None:
    storage = open_storage()
    await storage.write_traces(
        request(
            (1, 0, "shop", "nightly", "internal", 100, False, {}),  # a root
            (2, 1, "shop", "step", "internal", 50, True, {}),
            (3, 2, "cart", "add", "internal", 10, False, {}),  # of a library that knows no kinds
        )
    )
    await storage.seal()
    await storage.write_traces(
        request(
            (4, 2, "cart", "add", "server", 30, True, {}),
            (5, 99, "cart", "pay", "server", 20, False, {}),  # whose parent has not come
            (6, 99, "cart", "query", "client", 20, True, {}),
        )
    )
    await storage.wait_loaded()
    cart, shop = storage.spans.service_figures(0, 2**62)
    assert (cart.service, cart.spans, cart.requests, cart.errors, cart.operations) == ("cart", 4, 3, 1, 2)
    assert [cart.p50_ns, cart.p95_ns, cart.p99_ns] == pytest.approx([20, 29, 29.8])
    assert cart.last_ns == BEGIN + 4 + 30
    assert (shop.service, shop.spans, shop.requests, shop.errors) == ("shop", 2, 1, 0)
    assert storage.spans.service_figures(0, 2**62, 1) == [cart]
    assert storage.spans.service_figures(0, 1) == []


async def test_a_service_that_was_asked_nothing_has_no_percentiles(
    open_storage: Callable[..., Storage],
) -> None:
    storage = open_storage()
    await storage.write_traces(request((2, 1, "shop", "step", "internal", 50, False, {})))
    await storage.wait_loaded()
    (shop,) = storage.spans.service_figures(0, 2**62)
    assert (shop.spans, shop.requests, shop.p50_ns, shop.p99_ns) == (1, 0, None, None)


DATABASE = {"db.system.name": "postgresql", "db.namespace": "orders", "server.address": "db1"}


@pytest.mark.parametrize(
    ("attributes", "peer"),
    [
        (DATABASE, ("postgresql orders", "database")),
        ({"db.system": "redis", "net.peer.name": "cache"}, ("redis cache", "database")),
        ({**DATABASE, "peer.service": "orders-db"}, ("orders-db", "database")),
        ({"messaging.system": "kafka", "messaging.destination.name": "mails"}, ("mails", "queue")),
        ({"gen_ai.provider.name": "ollama", "server.address": "localhost"}, ("ollama", "model")),
        ({"server.address": "api.example"}, ("api.example", "external")),
        ({"service.peer.name": "bank", "server.address": "api.example"}, ("bank", "external")),
        ({"http.route": "/"}, None),
    ],
)
async def test_a_call_names_what_sends_no_spans(
    open_storage: Callable[..., Storage], attributes: dict[str, str], peer: tuple[str, str] | None
) -> None:
    storage = open_storage()
    await storage.write_traces(request((1, 0, "shop", "call", "client", 10, True, attributes)))
    await storage.wait_loaded()
    found = [(one.caller, one.peer, one.type, one.calls, one.errors) for one in storage.spans.peers(0, 2**62)]
    assert found == ([] if peer is None else [("shop", *peer, 1, 1)])


async def test_a_call_that_is_answered_is_none_of_a_peer(open_storage: Callable[..., Storage]) -> None:
    storage = open_storage()
    await storage.write_traces(
        request(
            (1, 0, "shop", "call cart", "client", 40, False, {"peer.service": "cart"}),
            (2, 1, "cart", "add", "server", 30, False, {}),
            (3, 2, "cart", "ask", "client", 20, False, {"peer.service": "bank"}),  # tried twice
            (4, 3, "cart", "try", "client", 10, False, {"server.address": "bank.example"}),
            (5, 3, "cart", "try", "client", 20, False, {"server.address": "bank.example"}),
            (6, 2, "cart", "send", "producer", 20, False, {"messaging.destination.name": "mails"}),
        )
    )
    await storage.wait_loaded()
    found = storage.spans.peers(0, 2**62)
    assert [(one.peer, one.calls) for one in found] == [("bank.example", 2), ("mails", 1)]
    assert [found[0].p50_ns, found[0].p95_ns] == pytest.approx([15, 19.5])
    assert storage.spans.peers(0, 2**62, 1) == found[:1]
