"""What the one on call sees of an alert: its graph and threshold, its history, its playbook."""

from accelerapp.server.oncall.condition import Condition, condition_of
from accelerapp.server.oncall.playbooks import Playbook, Playbooks

__all__ = ["Condition", "Playbook", "Playbooks", "condition_of"]
