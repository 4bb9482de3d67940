"""Accelerapp: firmware from hardware specifications, and the system that lets people see what it does."""

__version__ = "0.1.0"
