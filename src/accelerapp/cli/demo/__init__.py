"""`accelerapp demo`: an application, its telemetry, a fault, the alerts and the recovery, all real and all local."""

from accelerapp.cli.demo.command import demo

__all__ = ["demo"]
