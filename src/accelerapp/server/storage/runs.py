"""Which neighbouring series of a segment are read at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

# So much is read at once, or all of one series.
_MOST_ROWS = 2_000_000
# To read so much that is not wanted takes about as long as one more query.
_GAP_ROWS = 100_000


def runs(wanted: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last series of each part that is read at once, as numbers in the segment.

    `wanted` tells which series are to be read, and series i has the rows `offsets[i]` to `offsets[i + 1]`. A part
    begins and ends with a series that is wanted; there are others in it where they have few rows.
    """
    chosen = np.flatnonzero(wanted).tolist()
    if not chosen:
        return
    first = last = chosen[0]
    for one in chosen[1:]:
        if offsets[one] - offsets[last + 1] > _GAP_ROWS or offsets[one + 1] - offsets[first] > _MOST_ROWS:
            yield first, last
            first = one
        last = one
    yield first, last
