"""What the one on call sees of an alert: its graph and threshold, its history, its playbook.

The tests of rules, `oncall.rule_tests`, are imported where they run: an observatory that starts need not wait for them.
"""

from accelerapp.server.oncall.condition import Condition, condition_of
from accelerapp.server.oncall.histogram import WatchedHistogram, histogram_of, recording_rules
from accelerapp.server.oncall.playbooks import Block, Playbook, Playbooks

__all__ = [
    "Block",
    "Condition",
    "Playbook",
    "Playbooks",
    "WatchedHistogram",
    "condition_of",
    "histogram_of",
    "recording_rules",
]
