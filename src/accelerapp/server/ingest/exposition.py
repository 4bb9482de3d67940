"""The exposition formats: Prometheus text 0.0.4 and 1.0.0, and OpenMetrics text 1.0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import orjson

from accelerapp.server.ingest.exposition_line import (
    EXEMPLAR,
    ExposedExemplar,
    LineError,
    number,
    read_exemplar,
    read_metadata,
    read_sample,
    read_time,
    series_labels,
)
from accelerapp.server.signals import Metadata, Values

S = TypeVar("S")

_EOF = "# EOF"
#: What numbers are written with, beside which nothing is taken for one without a closer look.
_DIGITS = b"0123456789+-.eE,"
_WORDS = b"infatyINFATY"
_UNKNOWN = Metadata("unknown")


@dataclass(slots=True)
class Parsed(Generic[S]):
    """What an exposition says: of each sample, in order, what its series was resolved to, and its value.

    `series` is the same object as in the exposition before where the series are the same in the same order. `times`
    are the Unix milliseconds of those samples, by index, that come with a time of their own; `exemplars` those that
    were not there before.
    """

    series: Sequence[S]
    values: Values
    times: Mapping[int, int] = field(default_factory=dict)
    exemplars: Sequence[tuple[int, ExposedExemplar]] = ()
    metadata: Mapping[str, Metadata] = field(default_factory=dict)


class RefusedSeriesError(LineError):
    """A series may not be stored, so that the exposition is refused; the message says why."""


class ExpositionError(ValueError):
    """The text is not valid in its format; the message starts with the line's number.

    `series` is what the samples before were resolved to, and `read` counts the samples that could be read.
    """

    def __init__(self, line: int, message: str, series: Sequence[Any] = (), read: int | None = None) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.series = series
        self.read = len(series) if read is None else read


class ExpositionParser(Generic[S]):
    """Parses one target's exposition again and again.

    `resolve` turns the labels of a series that was not in the last exposition into what stands for it, and may raise
    RefusedSeriesError to refuse the exposition. A known series costs one look-up of its line's text up to the value.
    """

    def __init__(self, resolve: Callable[[dict[str, str]], S]) -> None:
        self._resolve = resolve
        self._known: dict[str, S] = {}
        self._types: dict[str, str] = {}
        self._exemplars: dict[str, str] = {}
        self._last: Sequence[S] = ()

    def parse(self, text: str, *, openmetrics: bool = False) -> Parsed[S]:
        """Return what an exposition says; raises ExpositionError."""
        try:
            reading = self._read(text, openmetrics=openmetrics)
        except ExpositionError:
            kept = len(self._known) + len(self._types)
            if kept > 3 * len(self._last) + 1000:  # ever new series, and none of them ever counts
                self.forget()
            raise
        parsed = reading.parsed
        if parsed.series == self._last:
            parsed.series = self._last
        else:
            self._last = parsed.series
            self._known = reading.seen()  # else a target that changes its series would fill the memory
        self._types = {name: one.type for name, one in parsed.metadata.items()}
        self._exemplars = reading.exemplar_texts
        return parsed

    def forget(self) -> None:
        """Resolve every series anew."""
        self._known.clear()
        self._types.clear()
        self._last = ()

    def _read(self, text: str, *, openmetrics: bool) -> _Reading[S]:
        state = (self._resolve, self._known, self._types, self._exemplars)
        try:
            return _Reading(text, openmetrics, *state, trusting=True)
        except (_UncertainError, ExpositionError):
            # Of several errors the first counts, and values of known series are read together at the end.
            return _Reading(text, openmetrics, *state, trusting=False)


class _UncertainError(Exception):
    """What follows a known series is not a plain number, so that the lines must be read one by one."""


class _Reading(Generic[S]):
    """One pass over an exposition; while `trusting`, the values of known series become numbers together."""

    def __init__(
        self,
        text: str,
        openmetrics: bool,
        resolve: Callable[[dict[str, str]], S],
        known: dict[str, S],
        types: dict[str, str],
        exemplars: Mapping[str, str],
        *,
        trusting: bool,
    ) -> None:
        self._lines = text.split("\n")
        self._openmetrics = openmetrics
        self._resolve = resolve
        self._known = known
        self._types = types
        self._shown = exemplars
        self._kind = ""
        self._series: list[S] = []
        self._texts: list[str] = []
        self._read_values: dict[int, float] = {}
        self._named: dict[str, S] = {}
        self._times: dict[int, int] = {}
        self._exemplars: list[tuple[int, ExposedExemplar]] = []
        self._metadata: dict[str, Metadata] = {}
        self.exemplar_texts: dict[str, str] = {}
        self._run(known if trusting else {})
        self.parsed = Parsed(self._series, self._values(), self._times, self._exemplars, self._metadata)

    def seen(self) -> dict[str, S]:
        """Return the series of this exposition by the texts that name them."""
        found = dict(self._named)
        for line in self._lines:
            identity = line.rpartition(" ")[0]
            one = self._known.get(identity)
            if one is not None:
                found[identity] = one
        return found

    def _run(self, trusted: Mapping[str, S]) -> None:
        lines = self._lines[:-1] if not self._lines[-1] else self._lines
        ended = self._openmetrics and lines[-1:] == [_EOF]
        look_up, series, texts = trusted.get, self._series.append, self._texts.append
        for index, line in enumerate(lines[:-1] if ended else lines):
            # What is known is the whole text of a series, so that only its value can follow.
            identity, _, value = line.rpartition(" ")
            one = look_up(identity)
            if one is None:
                try:
                    self._line(line, trusted)
                except RefusedSeriesError as error:
                    raise ExpositionError(
                        index + 1, str(error), self._series, len(self._series) + 1
                    ) from error
                except LineError as error:
                    raise ExpositionError(index + 1, str(error), self._series) from error
            else:
                series(one)
                texts(value)
        if self._openmetrics and not ended:
            raise ExpositionError(len(lines), "OpenMetrics must end with # EOF", self._series)

    def _line(self, line: str, trusted: Mapping[str, S]) -> None:
        """Read a line that is not a known series and its value."""
        stripped = line if self._openmetrics else line.lstrip(" \t")
        if stripped.startswith("#"):
            self._comment(line)
        elif stripped:
            if not self._known_sample(line, trusted):
                self._new_sample(line)
        elif self._openmetrics:
            raise LineError("OpenMetrics allows no blank line")

    def _known_sample(self, line: str, trusted: Mapping[str, S]) -> bool:
        """Read a line that is a known series, its value, and a time or an exemplar; tell whether it is one."""
        exemplar = ""
        if self._openmetrics:
            line, _, exemplar = line.partition(EXEMPLAR)
        identity, _, value = line.rpartition(" ")
        time = None
        one = trusted.get(identity)
        if one is None:
            time = value
            identity, _, value = identity.rpartition(" ")
            one = trusted.get(identity)
        if one is None:
            return False
        time_ms = None if time is None else read_time(time, openmetrics=self._openmetrics)
        self._add(identity, one, value, time_ms, exemplar)
        return True

    def _new_sample(self, line: str) -> None:
        sample = read_sample(line, openmetrics=self._openmetrics)
        one = self._known.get(sample.identity)
        if one is None:
            one = self._known[sample.identity] = self._resolve(series_labels(sample, self._kind))
        self._read_values[len(self._series)] = sample.value
        self._add(sample.identity, one, "0", sample.time_ms, sample.exemplar)

    def _add(self, identity: str, one: S, value: str, time_ms: int | None, exemplar: str) -> None:
        index = len(self._series)
        if time_ms is not None:
            self._times[index] = time_ms
        if exemplar:
            self.exemplar_texts[identity] = exemplar
            # Without a time of its own, one that is shown again could not be told from a new one later.
            if self._shown.get(identity) != exemplar:
                self._exemplars.append((index, read_exemplar(exemplar)))
        self._named[identity] = one
        self._series.append(one)
        self._texts.append(value)

    def _comment(self, line: str) -> None:
        if self._openmetrics and line == _EOF:
            raise LineError("there is something after # EOF")
        said = read_metadata(line, openmetrics=self._openmetrics)
        if said is None:
            return
        before = self._metadata.get(said.metric, _UNKNOWN)
        match said.keyword:
            case "TYPE":
                self._kind = said.text
                self._metadata[said.metric] = Metadata(said.text, before.help, before.unit)
                if self._types.get(said.metric) != said.text:
                    self._types[said.metric] = said.text
                    self._known.clear()  # the form of `le` and `quantile` depends on the type
            case "HELP":
                self._metadata[said.metric] = Metadata(before.type, said.text, before.unit)
            case "UNIT":
                self._metadata[said.metric] = Metadata(before.type, before.help, said.text)

    def _values(self) -> Values:
        values = _numbers(self._texts)
        for index, value in self._read_values.items():
            values[index] = value
        return values


def _numbers(texts: Sequence[str]) -> Values:
    """Turn the texts of values into numbers; raises _UncertainError where one is not a number by its form."""
    joined = ",".join(texts)
    if joined.count(",") != max(0, len(texts) - 1):
        raise _UncertainError
    rest = joined.encode("utf-8", "surrogatepass").translate(None, _DIGITS)
    if not rest and "-0" not in joined:  # which JSON may take for a whole number, that has no sign
        try:
            return np.array(orjson.loads(f"[{joined}]"), dtype=np.float64)
        except orjson.JSONDecodeError:
            pass  # such as +1 and .5, which are numbers here
    if rest.translate(None, _WORDS):
        raise _UncertainError
    try:
        values = np.fromiter(map(float, texts), np.float64, len(texts))
        for index in np.flatnonzero(~np.isfinite(values)).tolist():
            number(texts[index])
    except (ValueError, LineError):
        raise _UncertainError from None
    return values
