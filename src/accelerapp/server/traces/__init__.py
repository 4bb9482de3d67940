"""Traces as they are shown: the order of the waterfall, Jaeger's form and OTLP's."""

from accelerapp.server.traces.jaeger import jaeger_trace, short_id
from accelerapp.server.traces.otlp import otlp_json
from accelerapp.server.traces.waterfall import WaterfallRow, waterfall

__all__ = ["WaterfallRow", "jaeger_trace", "otlp_json", "short_id", "waterfall"]
