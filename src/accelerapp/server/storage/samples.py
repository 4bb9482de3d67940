"""Samples as columns: the form in which the journal, the head and the segments hold them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelerapp.server.signals import Timestamps, Values

SeriesIds = npt.NDArray[np.uint32]
_COUNT = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of any series in the order in which they were written."""

    timestamps: Timestamps
    series: SeriesIds
    values: Values

    def __len__(self) -> int:
        return len(self.timestamps)

    def where(self, mask: npt.NDArray[np.bool_]) -> Samples:
        return Samples(self.timestamps[mask], self.series[mask], self.values[mask])

    def encode(self) -> bytes:
        """Return the columns as the journal keeps them."""
        return b"".join(
            (_COUNT.pack(len(self)), self.timestamps.tobytes(), self.series.tobytes(), self.values.tobytes())
        )


def decode_samples(payload: bytes) -> Samples:
    """Read what `Samples.encode` wrote; raises ValueError where the length is not that of its columns."""
    (count,) = _COUNT.unpack_from(payload)
    if len(payload) != _COUNT.size + 20 * count:
        raise ValueError(f"{len(payload)} bytes cannot hold {count} samples")
    at = _COUNT.size
    return Samples(
        np.frombuffer(payload, dtype="<i8", count=count, offset=at),
        np.frombuffer(payload, dtype="<u4", count=count, offset=at + 8 * count),
        np.frombuffer(payload, dtype="<f8", count=count, offset=at + 12 * count),
    )


def concatenate(parts: Sequence[Samples]) -> Samples:
    """Lay samples end to end."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Samples(np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.float64))
    return Samples(
        np.concatenate([part.timestamps for part in parts]),
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
