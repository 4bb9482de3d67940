"""How much storage may keep, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """The limits of one data folder.

    Sizes are bytes, durations seconds. `unsealed_bytes` is what may stay in the journal and the head before
    it is sealed into segments; `queue_bytes` what may wait to be journalled or loaded before senders are
    refused; `max_series` how many time series may exist, `max_exemplars` how many exemplars are held in
    memory; a `retention_seconds` of 0 keeps segments for ever, `retention_bytes` of 0 as many as the disk
    holds; `merged_bytes` is the largest segment that is made of smaller ones; all three are looked at every
    `upkeep_interval_seconds`; `query_timeout_seconds` how long one read of spans or log records may take.
    """

    unsealed_bytes: int = 64 * MEBIBYTE
    seal_interval_seconds: float = 6 * 60 * 60
    seal_retry_seconds: float = 5.0
    journal_file_bytes: int = 16 * MEBIBYTE
    queue_bytes: int = 64 * MEBIBYTE
    max_series: int = 1_000_000
    max_exemplars: int = 100_000
    retention_seconds: float = 15 * DAY
    retention_bytes: int = 10 * GIBIBYTE
    merged_bytes: int = 256 * MEBIBYTE
    upkeep_interval_seconds: float = 60.0
    duckdb_memory_bytes: int = 1024 * MEBIBYTE
    duckdb_threads: int = 2
    query_timeout_seconds: float = 30.0
