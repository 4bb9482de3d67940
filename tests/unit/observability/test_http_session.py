"""What a session remembers of the last answer: whether it may pass, and how long to wait."""

from __future__ import annotations

import datetime
import email.utils
from typing import Protocol

import pytest
import requests

from accelerapp.observability.http_session import WatchedSession


class Receiver(Protocol):
    url: str
    status: int
    headers: dict[str, str]


@pytest.mark.parametrize(
    ("status", "retry_after", "transient", "seconds"),
    [
        (503, "17", True, 17),
        (429, None, True, None),
        (503, "in a while", True, None),
        (400, "17", False, None),
        (200, None, False, None),
    ],
)
def test_retry_after_is_read_of_answers_that_may_change(
    receiver: Receiver, status: int, retry_after: str | None, transient: bool, seconds: float | None
) -> None:
    receiver.status = status
    receiver.headers = {} if retry_after is None else {"Retry-After": retry_after}
    with WatchedSession() as session:
        session.post(receiver.url, b"{}")
        assert (session.transient, session.retry_after) == (transient, seconds)


def test_retry_after_may_be_a_date(receiver: Receiver) -> None:
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    receiver.status = 503
    receiver.headers = {"Retry-After": email.utils.format_datetime(then, usegmt=True)}
    with WatchedSession() as session:
        session.post(receiver.url, b"{}")
        assert session.retry_after is not None
        assert 3000 < session.retry_after <= 3600


def test_nobody_there_may_pass_and_a_wrong_url_does_not(refused_port: int) -> None:
    with WatchedSession() as session:
        with pytest.raises(requests.ConnectionError):
            session.post(f"http://127.0.0.1:{refused_port}", b"{}")
        assert session.transient
        with pytest.raises(requests.exceptions.InvalidSchema):
            session.post("gopher://127.0.0.1", b"{}")
        assert not session.transient
