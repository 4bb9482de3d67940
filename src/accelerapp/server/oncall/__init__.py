"""What the one on call sees of an alert: its graph and threshold, its history, its playbook."""

from accelerapp.server.oncall.condition import Condition, condition_of
from accelerapp.server.oncall.playbooks import Playbook, Playbooks
from accelerapp.server.oncall.rule_tests import Failure, run_rule_tests

__all__ = ["Condition", "Failure", "Playbook", "Playbooks", "condition_of", "run_rule_tests"]
