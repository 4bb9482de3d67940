"""Routes, groups, inhibition and receivers: what becomes of an alert after a rule has raised it."""

from __future__ import annotations

from accelerapp.server.alerting.config import Config, load_alertmanager
from accelerapp.server.alerting.fingerprint import fingerprint
from accelerapp.server.alerting.manager import Alertmanager, GroupStatus, Load, ReceiverStatus
from accelerapp.server.alerting.pipeline import IntegrationStatus
from accelerapp.server.alerting.timers import LoopTimers, Timer, Timers

__all__ = [
    "Alertmanager",
    "Config",
    "GroupStatus",
    "IntegrationStatus",
    "Load",
    "LoopTimers",
    "ReceiverStatus",
    "Timer",
    "Timers",
    "fingerprint",
    "load_alertmanager",
]
