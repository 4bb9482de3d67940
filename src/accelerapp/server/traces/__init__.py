"""Traces as they are shown: the order of the waterfall."""

from accelerapp.server.traces.waterfall import WaterfallRow, waterfall

__all__ = ["WaterfallRow", "waterfall"]
