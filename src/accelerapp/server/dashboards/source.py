"""Which data source a panel, a query or a variable names, and whether it is one that the observatory answers for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from accelerapp.server.dashboards.fields import Fields

_VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))|\[\[(\w+)[^\]]*\]\]")

#: The observatory answers in place of these.
PROMETHEUS = frozenset(
    {"prometheus", "grafana-amazonprometheus-datasource", "grafana-azureprometheus-datasource"}
)
LOGS = frozenset({"elasticsearch", "grafana-opensearch-datasource"})
TRACES = frozenset({"jaeger", "tempo", "zipkin"})


@dataclass(frozen=True, slots=True)
class Sources:
    """The types of the data sources that a file names by variables or by what is asked at its import."""

    types: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, fields: Fields) -> str:
        """Return the type of the data source that a panel or target names, "" where that cannot be told."""
        source = fields.values.get("datasource")
        if isinstance(source, str):
            return self._named(source)
        if source is None:
            return ""
        named = fields.object("datasource")
        uid = named.values.get("uid")
        if uid in ("-- Mixed --", "-- Dashboard --", "-- Grafana --", "__expr__"):
            return str(uid)
        kind = named.text("type")
        return kind or (self._named(uid) if isinstance(uid, str) else "")

    def _named(self, name: str) -> str:
        if name.startswith("-- "):
            return name
        match = _VARIABLE.fullmatch(name.strip())
        if match is not None:
            return self.types.get(match[1] or match[2] or match[3], "")
        # The names that people give their data sources tell the type more often than not.
        lower = name.lower()
        known = (
            "prometheus",
            "loki",
            "elasticsearch",
            "influxdb",
            "graphite",
            "cloudwatch",
            "jaeger",
            "tempo",
        )
        return next((kind for kind in known if kind in lower), "")


def read_sources(dashboard: Fields) -> Sources:
    """Read what the file says of the data sources that its variables and imports stand for."""
    types: dict[str, str] = {}
    for one in dashboard.objects("__inputs"):
        if one.text("type") == "datasource":
            types[one.text("name")] = one.text("pluginId")
    for one in dashboard.object("templating").objects("list"):
        if one.text("type") == "datasource" and isinstance(one.values.get("query"), str):
            types[one.text("name")] = one.text("query")
    return Sources(types)
