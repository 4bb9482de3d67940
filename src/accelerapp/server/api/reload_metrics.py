"""Whether the files were read well, under the names of Prometheus and Alertmanager, which their rules watch."""

from __future__ import annotations

from accelerapp.monitoring import FamilySnapshot
from accelerapp.server.api.services import Services


def families(services: Services) -> list[FamilySnapshot]:
    """Return how the last reload went; the files of both are read at once."""
    configuration = services.configuration()
    values = (
        ("successful", "Whether the files could be read when they were last read.", not configuration.error),
        ("success_timestamp_seconds", "When the files were last read well.", configuration.read_at),
    )
    return [
        FamilySnapshot(name, name, "gauge", meaning, (), (), [((), float(value))])
        for program in ("prometheus", "alertmanager")
        for end, meaning, value in values
        for name in (f"{program}_config_last_reload_{end}",)
    ]
