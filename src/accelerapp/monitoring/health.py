"""Health checks: named functions that say whether a part works, run with a time limit."""

from __future__ import annotations

import asyncio
import concurrent.futures
import enum
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict, TypeVar, cast

from accelerapp.monitoring.metrics import MetricsCollector, get_metrics

#: True or None where all is well, False where not; an exception counts as not, its text being the reason.
CheckFunction = Callable[[], "bool | None"] | Callable[[], Awaitable["bool | None"]]

T = TypeVar("T")


class HealthStatus(enum.Enum):
    """Healthy, degraded (a check that is not critical fails) or unhealthy (a critical one does)."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class CheckResult(TypedDict):
    """What one check said; `error` is there where it failed with an exception or ran out of time."""

    name: str
    status: str
    critical: bool
    description: str
    duration_seconds: float
    error: NotRequired[str]


class HealthReport(TypedDict):
    """What all checks said."""

    status: str
    checks: list[CheckResult]
    total_checks: int
    failed_checks: int


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    function: CheckFunction
    critical: bool
    description: str
    timeout: float
    #: Held while a plain function runs, so that one that hangs does not gather threads.
    running: threading.Lock = field(default_factory=threading.Lock, compare=False)


class HealthChecker:
    """Runs checks and keeps `accelerapp_health_check_status{check}` at 1 or 0 by what they say.

    Args:
        metrics: Where the gauge lives; the process-wide collector unless given.
    """

    def __init__(self, metrics: MetricsCollector | None = None) -> None:
        self._metrics = metrics or get_metrics()
        self._lock = threading.Lock()
        self._checks: dict[str, _Check] = {}

    def register(
        self,
        name: str,
        check_func: CheckFunction,
        critical: bool = True,
        description: str = "",
        *,
        timeout: float = 5.0,
    ) -> None:
        """Add a check, in place of one of the same name.

        Args:
            name: Value of the label `check`.
            check_func: Plain or async function without arguments.
            critical: Whether its failure makes the whole unhealthy, or only degraded.
            description: What it looks at, for whoever reads the answer.
            timeout: Seconds after which it counts as failed.
        """
        if timeout <= 0:
            raise ValueError(f"health check {name!r}: timeout must be more than 0 s, got {timeout}")
        with self._lock:
            self._checks[name] = _Check(name, check_func, critical, description, timeout)

    def get_registered_checks(self) -> list[str]:
        """Return the names of all checks."""
        with self._lock:
            return list(self._checks)

    def check_specific(self, name: str) -> CheckResult | None:
        """Run one check from synchronous code; None where there is none of this name."""
        with self._lock:
            check = self._checks.get(name)
        return None if check is None else _in_own_loop(lambda: self._run(check))

    def check_all(self) -> HealthReport:
        """Run all checks at once and wait for them; from async code use `check_all_async`."""
        return _in_own_loop(self.check_all_async)

    async def check_all_async(self) -> HealthReport:
        """Run all checks at once; takes no longer than the longest time limit."""
        with self._lock:
            checks = list(self._checks.values())
        results = list(await asyncio.gather(*(self._run(check) for check in checks)))
        failed = [result for result in results if result["status"] != HealthStatus.HEALTHY.value]
        status = HealthStatus.HEALTHY
        if failed:
            critical = any(result["critical"] for result in failed)
            status = HealthStatus.UNHEALTHY if critical else HealthStatus.DEGRADED
        return {
            "status": status.value,
            "checks": results,
            "total_checks": len(results),
            "failed_checks": len(failed),
        }

    async def _run(self, check: _Check) -> CheckResult:
        started = time.monotonic()
        error: str | None = None
        try:
            healthy = await asyncio.wait_for(_call(check), check.timeout) is not False
        except TimeoutError:
            healthy, error = False, f"no answer within {check.timeout:g} s"
        except Exception as exc:  # noqa: BLE001 - a failing check is a result, not a failure of ours
            healthy, error = False, f"{type(exc).__name__}: {exc}"
        self._gauge(check.name, healthy)
        status = HealthStatus.HEALTHY if healthy else HealthStatus.UNHEALTHY
        result: CheckResult = {
            "name": check.name,
            "status": status.value,
            "critical": check.critical,
            "description": check.description,
            "duration_seconds": time.monotonic() - started,
        }
        if error is not None:
            result["error"] = error
        return result

    def _gauge(self, name: str, healthy: bool) -> None:
        self._metrics.gauge(
            "health_check_status", "Whether a health check last succeeded (1) or failed (0).", ("check",)
        ).labels(check=name).set(1 if healthy else 0)


async def _call(check: _Check) -> bool | None:
    function = check.function
    if inspect.iscoroutinefunction(function):
        return await cast("Callable[[], Awaitable[bool | None]]", function)()
    if not check.running.acquire(blocking=False):
        raise RuntimeError("the run before has not returned yet")
    # A thread of its own and not the loop's pool: checks that hang must not use up a pool that others
    # need, nor hold up the end of the process.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()

    def settle(set_result: Callable[[], None]) -> None:
        def once() -> None:
            if not future.done():
                set_result()

        try:
            loop.call_soon_threadsafe(once)
        except RuntimeError:
            return  # the loop is gone: nobody waits any more

    def work() -> None:
        outcome: object = None
        error: BaseException | None = None
        try:
            outcome = function()
        except Exception as exc:  # noqa: BLE001 - handed to whoever awaits
            error = exc
        check.running.release()
        settle(lambda: future.set_result(outcome) if error is None else future.set_exception(error))

    threading.Thread(target=work, name="accelerapp-health-check", daemon=True).start()
    outcome = await future
    if inspect.isawaitable(outcome):
        outcome = await outcome
    return cast("bool | None", outcome)


def _in_own_loop(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end from plain code, also where the thread has a running loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(make())).result()


_process_wide = HealthChecker()


def get_health_checker() -> HealthChecker:
    """Return the health checker that the whole process shares."""
    return _process_wide
