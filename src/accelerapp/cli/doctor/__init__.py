"""`accelerapp doctor`: what is wrong with a running stack, and what mends it."""

from accelerapp.cli.doctor.command import doctor

__all__ = ["doctor"]
