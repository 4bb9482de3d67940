"""Health checks: what they say, how long they may take, and the gauge that they drive."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from accelerapp.monitoring import HealthChecker, MetricsCollector, get_health_checker


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector()


@pytest.fixture
def checker(metrics: MetricsCollector) -> HealthChecker:
    return HealthChecker(metrics)


def status_of(metrics: MetricsCollector, check: str) -> float:
    return metrics.gauge("health_check_status", labelnames=("check",)).labels(check=check).get()


def test_the_process_has_one_checker() -> None:
    assert get_health_checker() is get_health_checker()


def test_without_checks_all_is_well(checker: HealthChecker) -> None:
    assert checker.check_all() == {"status": "healthy", "checks": [], "total_checks": 0, "failed_checks": 0}


async def _true() -> bool:
    return True


async def _raises() -> bool:
    raise ConnectionError("refused")


def test_plain_and_async_checks_drive_the_gauge(checker: HealthChecker, metrics: MetricsCollector) -> None:
    checker.register("plain", lambda: True)
    checker.register("async", _true)
    checker.register("nothing said", lambda: None)
    checker.register("false", lambda: False)
    checker.register("raises", _raises, description="a connection")
    report = checker.check_all()
    assert report["status"] == "unhealthy"
    assert (report["total_checks"], report["failed_checks"]) == (5, 2)
    by_name = {result["name"]: result for result in report["checks"]}
    assert by_name["raises"]["error"] == "ConnectionError: refused"
    assert by_name["raises"]["description"] == "a connection"
    assert "error" not in by_name["false"]
    told = [status_of(metrics, name) for name in ("plain", "async", "nothing said", "false", "raises")]
    assert told == [1, 1, 1, 0, 0]


def test_a_failure_that_is_not_critical_only_degrades(checker: HealthChecker) -> None:
    checker.register("main", lambda: True)
    checker.register("aside", lambda: False, critical=False)
    assert checker.check_all()["status"] == "degraded"


def test_the_gauge_follows(checker: HealthChecker, metrics: MetricsCollector) -> None:
    answer = [False]
    checker.register("changing", lambda: answer[0])
    checker.check_all()
    assert status_of(metrics, "changing") == 0
    answer[0] = True
    checker.check_all()
    assert status_of(metrics, "changing") == 1


def test_a_check_that_hangs_is_cut_off_and_not_started_again(checker: HealthChecker) -> None:
    release, started = threading.Event(), []

    def hangs() -> bool:
        started.append(1)
        return release.wait(30)

    checker.register("hangs", hangs, timeout=0.05)
    began = time.monotonic()
    first = checker.check_specific("hangs")
    second = checker.check_specific("hangs")
    assert time.monotonic() - began < 20
    assert first is not None
    assert first["error"] == "no answer within 0.05 s"
    assert second is not None
    assert "has not returned yet" in second["error"]
    assert len(started) == 1
    release.set()


def test_an_async_check_that_hangs_is_cancelled(checker: HealthChecker) -> None:
    cancelled = []

    async def hangs() -> bool:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return True

    checker.register("hangs", hangs, timeout=0.05)
    result = checker.check_specific("hangs")
    assert result is not None
    assert result["status"] == "unhealthy"
    assert cancelled == [True]


async def test_check_all_can_be_called_where_a_loop_runs(checker: HealthChecker) -> None:
    checker.register("async", _true)
    assert checker.check_all()["status"] == "healthy"
    assert (await checker.check_all_async())["status"] == "healthy"


def test_checks_by_name(checker: HealthChecker) -> None:
    checker.register("one", lambda: False)
    checker.register("one", lambda: True)
    assert checker.get_registered_checks() == ["one"]
    result = checker.check_specific("one")
    assert result is not None
    assert result["status"] == "healthy"
    assert checker.check_specific("none") is None
