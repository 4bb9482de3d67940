"""What the demo sees, asked of the public HTTP APIs and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

import httpx


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests a second, and the share of them that ended in an error."""

    rate: float
    failing: float


class Observer:
    """Asks the observatory, the service and the webhook over HTTP, as anybody could."""

    def __init__(self, observatory: str, service: str, webhook: str, fault_token: str) -> None:
        self._http = httpx.Client(timeout=10, trust_env=False)
        self._observatory = observatory
        self._service = service
        self._webhook = webhook
        self._fault_token = fault_token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def _get(self, url: str, **parameters: Any) -> Any:
        response = self._http.get(url, params=parameters)
        response.raise_for_status()
        return response.json()

    def ready(self) -> bool:
        return self._http.get(f"{self._observatory}/-/ready").is_success

    def service_ready(self) -> bool:
        return self._http.get(f"{self._service}/ready").is_success

    def value(self, query: str) -> float | None:
        """Return the one value of an instant query; None where there is none."""
        result = self._get(f"{self._observatory}/api/v1/query", query=query)["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def alert_states(self) -> dict[str, str]:
        """Return each alerting rule's state: inactive, pending or firing."""
        groups = self._get(f"{self._observatory}/api/v1/rules")["data"]["groups"]
        return {r["name"]: r["state"] for g in groups for r in g["rules"] if r["type"] == "alerting"}

    def traffic(self, window: float) -> Traffic | None:
        """Return the service's traffic over the last `window` seconds; None where there is none yet."""
        span = f"{round(window * 1000)}ms"
        rate = self.value(f"sum(rate(accelerapp_requests_total[{span}]))")
        failing = self.value(f"sum(rate(accelerapp_errors_total[{span}]))")
        return Traffic(rate, failing / rate) if rate and failing is not None else None

    def traces(self, **conditions: Any) -> list[dict[str, Any]]:
        found = self._get(f"{self._observatory}/api/accelerapp/v1/traces", **conditions)["traces"]
        return cast(list[dict[str, Any]], found)

    def trace(self, trace_id: str) -> dict[str, Any]:
        return cast(dict[str, Any], self._get(f"{self._observatory}/api/accelerapp/v1/traces/{trace_id}"))

    def logs(self, **conditions: Any) -> list[dict[str, Any]]:
        found = self._get(f"{self._observatory}/api/accelerapp/v1/logs", **conditions)["logs"]
        return cast(list[dict[str, Any]], found)

    def received(self, status: str, since_ms: float) -> set[str]:
        """Return the names of the alerts that the webhook was told as `status` since then."""
        messages = self._get(f"{self._webhook}/received")["received"]
        return {
            alert["labels"]["alertname"]
            for message in messages
            if message["at_ms"] >= since_ms
            for alert in message["body"]["alerts"]
            if alert["status"] == status
        }

    def switch_fault(self, on: bool) -> None:
        """Make the service's model backend fail, or let it work again."""
        url, headers = f"{self._service}/v1/faults", {"Authorization": f"Bearer {self._fault_token}"}
        if on:
            self._http.put(url, json={"backend_down": True}, headers=headers).raise_for_status()
        else:
            self._http.delete(url, headers=headers).raise_for_status()
