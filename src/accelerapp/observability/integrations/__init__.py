"""Instrumentation of frameworks; each module needs only the framework it is for."""
