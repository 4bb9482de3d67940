"""Log lines: what is in them, and that none is lost to what an application puts into it."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accelerapp.monitoring import (
    JsonFormatter,
    TextFormatter,
    correlation_scope,
    get_correlation_id,
    get_logger,
    is_acceptable_correlation_id,
    set_current_trace,
    setup_logging,
)


class Lines(logging.Handler):
    """Keeps formatted lines."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.raw: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.raw.append(self.format(record))

    @property
    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.raw[-1])
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logger = logging.getLogger("test.json_logs")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def root_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)


def test_a_line_has_time_level_logger_and_message(lines: Lines) -> None:
    before = dt.datetime.now(dt.UTC)
    get_logger("test.json_logs").warning("it is %d", 42)
    line = lines.last
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "test.json_logs", "it is 42")
    assert line["timestamp"].endswith("Z")
    assert before <= dt.datetime.fromisoformat(line["timestamp"]) <= dt.datetime.now(dt.UTC)


def test_fields_of_the_logger_and_of_the_call_stand_at_the_top(lines: Lines) -> None:
    logger = get_logger("test.json_logs", correlation_id="req-1", component="codegen", attempt=1)
    logger.info("hi", extra={"extra_fields": {"board": "esp32", "attempt": 2}, "plain": True})
    line = lines.last
    assert line["correlation_id"] == "req-1"
    assert (line["component"], line["board"], line["attempt"], line["plain"]) == ("codegen", "esp32", 2, True)


def test_extra_fields_work_without_our_adapter(lines: Lines) -> None:
    logging.getLogger("test.json_logs").info("hi", extra={"extra_fields": {"board": "pico"}})
    assert lines.last["board"] == "pico"


def test_an_extra_field_does_not_replace_one_of_ours(lines: Lines) -> None:
    get_logger("test.json_logs").info("hi", extra={"extra_fields": {"level": "loud", "message": "other"}})
    assert (lines.last["level"], lines.last["level_"]) == ("INFO", "loud")
    assert (lines.last["message"], lines.last["message_"]) == ("hi", "other")


def test_the_correlation_id_comes_from_the_context(lines: Lines) -> None:
    logger = get_logger("test.json_logs")
    with correlation_scope("outer"):
        with correlation_scope() as inner:
            logger.info("inside")
            assert lines.last["correlation_id"] == inner
        logger.info("outside")
        assert lines.last["correlation_id"] == "outer"
    assert get_correlation_id() is None
    logger.info("without")
    assert "correlation_id" not in lines.last


def test_trace_and_span_come_from_the_hook(lines: Lines) -> None:
    set_current_trace(lambda: ("a" * 32, "b" * 16))
    try:
        get_logger("test.json_logs").info("traced")
    finally:
        set_current_trace(None)
    assert (lines.last["trace_id"], lines.last["span_id"]) == ("a" * 32, "b" * 16)
    get_logger("test.json_logs").info("not traced")
    assert "trace_id" not in lines.last


def test_a_hook_that_fails_costs_no_line(lines: Lines) -> None:
    def broken() -> tuple[str, str]:
        raise RuntimeError("no")

    set_current_trace(broken)
    try:
        get_logger("test.json_logs").info("still here")
    finally:
        set_current_trace(None)
    assert lines.last["message"] == "still here"


def test_an_exception_has_its_traceback(lines: Lines) -> None:
    try:
        raise KeyError("missing")
    except KeyError:
        get_logger("test.json_logs").exception("failed")
    assert "KeyError: 'missing'" in lines.last["exception"]
    assert "Traceback" in lines.last["exception"]


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def looped() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    return loop


@pytest.mark.parametrize(
    "value", [float("nan"), float("-inf"), {1, 2}, b"bytes", Unprintable(), looped(), {(1, 2): 3}, "\ud800"]
)
def test_any_value_ends_as_valid_json_on_one_line(lines: Lines, value: object) -> None:
    get_logger("test.json_logs").info("line\nbreak", extra={"extra_fields": {"value": value}})
    assert lines.last["message"] == "line\nbreak"
    assert "\n" not in lines.raw[-1]
    lines.raw[-1].encode("utf-8")
    json.loads(lines.raw[-1], parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_lines_for_people_have_the_ids_too() -> None:
    record = logging.makeLogRecord(
        {"name": "n", "levelname": "INFO", "msg": "hi", "correlation_id": "req-1", "a": 1}
    )
    line = TextFormatter().format(record)
    assert "INFO" in line
    assert line.endswith("n: hi [correlation_id=req-1 a=1]")


@pytest.mark.usefixtures("root_logging")
def test_setup_writes_to_the_file_and_not_twice(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "app.log"
    setup_logging("DEBUG", log_file=file)
    setup_logging("INFO", log_file=file)
    get_logger("test.setup").info("once")
    get_logger("test.setup").debug("too low")
    written = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["message"] for line in written] == ["once"]


@pytest.mark.usefixtures("root_logging")
def test_setup_leaves_the_handlers_of_others() -> None:
    other = Lines()
    logging.getLogger().addHandler(other)
    setup_logging()
    assert other in logging.getLogger().handlers


def test_setup_refuses_an_unknown_level() -> None:
    with pytest.raises(ValueError, match="log level 'LOUD' is none of"):
        setup_logging("LOUD")


@pytest.mark.parametrize(
    ("value", "acceptable"),
    [
        ("req-456", True),
        ("3813331d-cab2-442a-90e7-f64e829ca7af", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("", False),
        ("a b", False),
        ("a\r\nSet-Cookie: b", False),
        ("<script>", False),
        ("ä", False),
        ("a\n", False),
    ],
)
def test_which_ids_from_outside_are_taken_over(value: str, acceptable: bool) -> None:
    assert is_acceptable_correlation_id(value) is acceptable
