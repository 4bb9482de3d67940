"""Recording and alerting rules: read, evaluated, remembered."""

from __future__ import annotations

from accelerapp.server.rules.definition import Group, Rule
from accelerapp.server.rules.load import load_rule_files
from accelerapp.server.rules.manager import RuleManager
from accelerapp.server.rules.status import AlertStatus, GroupStatus, RuleStatus

__all__ = ["AlertStatus", "Group", "GroupStatus", "Rule", "RuleManager", "RuleStatus", "load_rule_files"]
