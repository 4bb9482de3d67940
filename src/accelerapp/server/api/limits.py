"""Every limit of the observatory: how near it is, how often it bit, and whom last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from accelerapp.server.alerting import MAX_ALERTS, MAX_GROUPS_OF_A_ROUTE, MAX_SILENCES, Refused
from accelerapp.server.api.services import Services
from accelerapp.server.ingest import Refusal
from accelerapp.server.storage import CAUSES, SIGNALS, Inventory

_PREFIX: Final = "accelerapp_observatory"
_RECEIVED: Final = f"{_PREFIX}_receiver_refused_total"
_QUERIES: Final = f"{_PREFIX}_queries_refused_total"
_LEFT_OUT: Final = f"{_PREFIX}_scrape_samples_left_out_total"
#: What a receiver refuses for, in words, with the settings that decide it.
_REASONS: Final = (
    ("too_large", "Size of a request, or of a line", ("max_request_bytes", "max_line_bytes")),
    ("too_many", "Connections and requests at once", ("max_connections",)),
    ("too_slow", "Time that a request takes to come", ()),
    ("storage_full", "Room for what is sent", ("max_unsealed_bytes",)),
    ("malformed", "What can be read", ()),
    ("unsupported", "What is supported", ()),
    ("cross_site", "What a page of another site may send", ()),
    ("cancelled", "What the sender did not wait for", ()),
)
_SCRAPED: Final = {
    "duplicate": "Scraped samples of a series that has one of that time",
    "out_of_order": "Scraped samples older than the last",
    "out_of_bounds": "Scraped samples too far from the present",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit: how much of it is used, and how often it refused or removed something since the start.

    `used` and `most` are in `unit` and None where they are not known or have no number. `metric` is the counter of
    `count`; `offenders` are counts by name. `last_at` is Unix seconds.
    """

    name: str
    group: str
    unit: str = ""
    used: float | None = None
    most: float | None = None
    settings: tuple[str, ...] = ()
    metric: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    count: int = 0
    last_at: float | None = None
    last_message: str = ""
    last_offender: str = ""
    offenders: Mapping[str, int] = field(default_factory=dict)


def limits(services: Services, held: Inventory) -> list[Limit]:
    """Return every limit, of what is held and of what comes in, is asked and is told."""
    numbers = {one.name: one.number for one in services.configuration().settings}
    stats = services.storage_stats()
    return [
        *_stored(services, held, stats, numbers),
        *_received(services, numbers),
        *_scraped(services),
        *_asked(services, numbers),
        *_alerting(services),
    ]


def _stored(
    services: Services, held: Inventory, stats: Mapping[str, Any], numbers: Mapping[str, float | None]
) -> Iterator[Limit]:
    yield Limit(
        name="Series",
        group="storage",
        used=stats["series"],
        most=stats["series_limit"],
        settings=("max_series",),
        metric=f"{_PREFIX}_samples_refused_total",
        count=stats["samples_refused_series_limit"],
        offenders=stats["series_limit_offenders"],
    )
    yield Limit(
        name="Waiting to be stored",
        group="storage",
        unit="bytes",
        used=stats["queued_bytes"],
        most=stats["queued_bytes_limit"],
        metric=f"{_PREFIX}_requests_refused_total",
        count=stats["requests_refused"],
    )
    yield Limit(
        name="Journalled and not sealed",
        group="storage",
        unit="bytes",
        used=stats["unsealed_bytes"],
        most=stats["unsealed_bytes_limit"],
        settings=("max_unsealed_bytes",),
        metric=f"{_PREFIX}_requests_refused_total",
        count=stats["requests_refused"],
    )
    oldest = min((one.oldest_ms for one in held.signals if one.oldest_ms is not None), default=None)
    sizes = {
        "size": (sum(one.bytes for one in held.signals) + held.journal_bytes, held.retention_bytes, "bytes"),
        "age": (None if oldest is None else services.clock() - oldest / 1000, held.retention_seconds, "s"),
    }
    for cause in CAUSES:
        used, most, unit = sizes[cause]
        yield Limit(
            name=f"Retention by {cause}",
            group="storage",
            unit=unit,
            used=used,
            most=most or None,
            settings=("retention_bytes" if cause == "size" else "retention",),
            metric=f"{_PREFIX}_segments_expired_total",
            labels={"cause": cause},
            count=sum(stats[f"segments_expired_{signal}_{cause}"] for signal in SIGNALS),
        )
    yield Limit(
        name="Exemplars in memory",
        group="storage",
        used=stats["exemplars"],
        most=numbers.get("max_exemplars"),
        settings=("max_exemplars",),
        metric=f"{_PREFIX}_exemplars_refused_total",
        count=stats["exemplars_refused"],
    )
    yield Limit(
        name="Metrics whose type, help and unit are kept",
        group="storage",
        most=services.metadata.limit,
        metric=f"{_PREFIX}_metadata_refused_total",
        count=stats["metadata_refused"],
    )
    yield Limit(
        name="Lines for those who follow them",
        group="storage",
        metric=f"{_PREFIX}_tail_lines_missed_total",
        count=stats["tail_lines_missed"],
    )


def _received(services: Services, numbers: Mapping[str, float | None]) -> Iterator[Limit]:
    accounts = services.receivers()
    page = services.account.status("")
    for reason, name, settings in _REASONS:
        last = _last([one for account in accounts for one in account.last_refusals if one.reason == reason])
        yield Limit(
            name=name,
            group="inputs",
            unit="bytes" if reason == "too_large" else "",
            most=next((numbers.get(one) for one in settings), None) if reason.startswith("too_") else None,
            settings=settings,
            metric=_RECEIVED,
            labels={"reason": reason},
            count=sum(account.refused.get(reason, 0) for account in accounts),
            offenders={account.name: n for account in accounts if (n := account.refused.get(reason, 0))},
            **_said(last),
        )
    for reason, count in page.refused.items():
        yield Limit(
            name=f"The page's port: {reason.replace('_', ' ')}",
            group="queries",
            most=numbers.get("max_connections") if reason == "too_many" else None,
            settings=("max_connections",) if reason == "too_many" else (),
            metric=f"{_PREFIX}_page_refused_total",
            labels={"reason": reason},
            count=count,
            **_said(_last([one for one in page.last_refusals if one.reason == reason])),
        )


def _scraped(services: Services) -> Iterator[Limit]:
    for reason, count in services.scraper.left_out().items():
        yield Limit(
            name=_SCRAPED.get(reason, reason.replace("_", " ")),
            group="inputs",
            metric=_LEFT_OUT,
            labels={"reason": reason},
            count=count,
        )


def _asked(services: Services, numbers: Mapping[str, float | None]) -> Iterator[Limit]:
    refused = {**services.engine.refused(), **services.query_threads.refused()}
    last = {**services.engine.last_refusals(), **services.query_threads.last_refusals()}
    rows: tuple[tuple[str, str, str, str, float | None], ...] = (
        ("queue_full", "Queries that wait", "query_max_waiting", "", services.query_threads.waiting),
        ("queue_timeout", "Time that a query waits", "query_timeout", "s", None),
        ("timeout", "Time that a query takes", "query_timeout", "s", None),
        ("samples", "Samples that a query loads", "query_max_samples", "", None),
    )
    for key, name, setting, unit, used in rows:
        at, message, offender = last.get(key, (None, "", ""))
        yield Limit(
            name=name,
            group="queries",
            unit=unit,
            used=used,
            most=numbers.get(setting),
            settings=(setting,),
            metric=_QUERIES,
            labels={"limit": key},
            count=refused.get(key, 0),
            last_at=at,
            last_message=message,
            last_offender=offender,
        )


def _alerting(services: Services) -> Iterator[Limit]:
    load = services.alertmanager.load()
    yield Limit(
        name="Alerts at a time",
        group="alerting",
        used=load.alerts,
        most=MAX_ALERTS,
        metric=f"{_PREFIX}_alerts_refused_total",
        count=load.alerts_refused,
        **_of(load.last_alert_refused),
    )
    yield Limit(
        name="Groups of one route",
        group="alerting",
        most=MAX_GROUPS_OF_A_ROUTE,
        metric=f"{_PREFIX}_alert_groups_refused_total",
        count=load.groups_refused,
        **_of(load.last_group_refused),
    )
    yield Limit(
        name="Silences",
        group="alerting",
        used=len(services.alertmanager.silences.all()),
        most=MAX_SILENCES,
    )


def _last(refusals: Sequence[Refusal]) -> Refusal | None:
    return max(refusals, key=lambda one: one.at, default=None)


def _said(refusal: Refusal | None) -> dict[str, Any]:
    if refusal is None:
        return {}
    return {"last_at": refusal.at, "last_message": refusal.message, "last_offender": refusal.offender}


def _of(refused: Refused | None) -> dict[str, Any]:
    return {} if refused is None else {"last_at": refused.at, "last_offender": refused.offender}
