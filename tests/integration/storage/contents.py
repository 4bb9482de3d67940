"""What a data folder really has, below the readers, which show an item once even where it is stored twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelerapp.server.storage import Storage, StorageSettings

#: Everything stays as a crash left it.
AT_REST = StorageSettings(retention_seconds=0, retention_bytes=0, merged_bytes=0)


def opened(folder: Path) -> Storage:
    return Storage.open(folder, AT_REST)


def table(storage: Storage, signal: str, query: str) -> list[tuple[Any, ...]]:
    """Run a query whose `{}` stands for every stored row of the traces or logs."""
    shelf = storage._shelves.spans if signal == "traces" else storage._shelves.logs
    column = "trace_id, span_id" if signal == "traces" else "body"
    with shelf.pinned() as pinned, storage._database.cursor() as cursor:
        union = " UNION ALL ".join(f"SELECT {column} FROM {one.relation}" for one in pinned)
        return cursor.execute(query.format(f"({union})")).fetchall()


def undamaged(storage: Storage) -> bool:
    stats = storage.stats()
    return not any(
        stats[f"damaged_{what}"] for what in ("journal_records", "segments", "spans", "logs", "samples")
    )
