"""Routes, groups, inhibition and receivers: what becomes of an alert after a rule has raised it."""

from __future__ import annotations

from accelerapp.server.alerting.config import Config, load_alertmanager
from accelerapp.server.alerting.counts import Counts
from accelerapp.server.alerting.fingerprint import fingerprint
from accelerapp.server.alerting.limits import MAX_ALERTS, MAX_GROUPS_OF_A_ROUTE, Refused
from accelerapp.server.alerting.manager import Alertmanager, AlertStatus, GroupStatus, Load, ReceiverStatus
from accelerapp.server.alerting.matchers import Matchers, parse_matchers
from accelerapp.server.alerting.pipeline import IntegrationStatus
from accelerapp.server.alerting.secrets import is_secret
from accelerapp.server.alerting.silence import (
    MAX_SILENCES,
    Silence,
    SilenceError,
    SilenceNotFoundError,
    Silences,
)
from accelerapp.server.alerting.timers import LoopTimers, Timer, Timers

__all__ = [
    "MAX_ALERTS",
    "MAX_GROUPS_OF_A_ROUTE",
    "MAX_SILENCES",
    "AlertStatus",
    "Alertmanager",
    "Config",
    "Counts",
    "GroupStatus",
    "IntegrationStatus",
    "Load",
    "LoopTimers",
    "Matchers",
    "ReceiverStatus",
    "Refused",
    "Silence",
    "SilenceError",
    "SilenceNotFoundError",
    "Silences",
    "Timer",
    "Timers",
    "fingerprint",
    "is_secret",
    "load_alertmanager",
    "parse_matchers",
]
