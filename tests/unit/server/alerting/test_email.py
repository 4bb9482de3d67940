"""E-mail against a real SMTP server: TLS, ways to log in, what is in the message, and what is tried again."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from tests.stack.programs import free_port
from tests.unit.server.alerting.notices import NOTICE, NOW

from accelerapp.server.alerting.receivers import DeliveryError, Readiness, Reason
from accelerapp.server.alerting.receivers.email import Email
from accelerapp.server.alerting.settings import EmailSettings, GlobalSettings
from accelerapp.server.alerting.templates import Templates

TEMPLATES = Templates()


class Mailbox:
    """Keeps messages, by whom and how they came, and refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.senders: list[str] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.hello: list[str] = []
        self.logins: list[str] = []
        self.refuse = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refuse and self.refuse in address:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.senders.append(envelope.mail_from)
        self.recipients.append(envelope.rcpt_tos)
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.hello.append(session.host_name)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(f"{mechanism} {data.login.decode()} {data.password.decode()}")
        return AuthResult(success=data.password == b"right", handled=False)


Start = Callable[..., Email]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def start(mailbox: Mailbox) -> Iterator[Start]:
    """Return the call that starts a server and makes a receiver for it."""
    controllers: list[Controller] = []

    def begin(server: dict[str, Any] | None = None, **settings: Any) -> Email:
        port = free_port()
        controller = Controller(
            mailbox,
            hostname="127.0.0.1",
            port=port,
            authenticator=mailbox.authenticate,
            **{"auth_require_tls": False, **(server or {})},
        )
        controller.start()
        controllers.append(controller)
        given = {
            "to": "ops@example.com",
            "from": "alerts@example.com",
            "smarthost": f"127.0.0.1:{port}",
            "require_tls": "false",
            "html": "<b>{{ .Status }}</b>",
            **settings,
        }
        return Email(EmailSettings.model_validate(given), GlobalSettings(), TEMPLATES, clock=lambda: NOW)

    yield begin
    for controller in controllers:
        controller.stop()


def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_a_message_has_its_text_its_html_and_its_headers(start: Start, mailbox: Mailbox) -> None:
    mail = start(
        to="Ops <ops@example.com>, second@example.com",
        hello="observatory.example",
        text="plain {{ .Status }} ünï",
        html="<p>{{ .GroupLabels.service }}</p>",
        headers={"subject": "a\nb {{ .Status }}", "X-Own": "{{ .CommonLabels.severity }}"},
    )
    await mail.deliver(NOTICE, 5)
    (message,) = mailbox.messages
    assert mailbox.recipients == [["ops@example.com", "second@example.com"]]
    assert mailbox.senders == ["alerts@example.com"]
    assert mailbox.hello == ["observatory.example"]
    assert message["Subject"] == "a b firing"
    assert message["X-Own"] == "critical"
    assert message["To"] == "Ops <ops@example.com>, second@example.com"
    assert message["Date"].datetime.timestamp() == int(NOW)
    assert message["Message-Id"].startswith("<")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    plain, html = (part.get_content().strip() for part in message.iter_parts())
    assert plain == "plain firing ünï"
    assert html == "<p>code &lt;gen&gt; &amp; &#34;co&#34;</p>"


async def test_a_thread_is_the_groups_and_the_days(start: Start, mailbox: Mailbox) -> None:
    mail = start(threading={"enabled": "true", "thread_by_date": "daily"})
    await mail.deliver(NOTICE, 5)
    await mail.deliver(NOTICE, 5)
    first, second = mailbox.messages
    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert NOTICE.key_hash[:16] in first["References"]
    assert "-2023-11-1" in first["References"]
    assert first["Message-Id"] != second["Message-Id"]


@pytest.mark.parametrize(
    ("excluded", "login"),
    [
        (["LOGIN"], "PLAIN me right"),
        (["PLAIN"], "LOGIN me right"),
    ],
)
async def test_it_logs_in_as_the_server_offers(
    start: Start, mailbox: Mailbox, tmp_path: Path, excluded: list[str], login: str
) -> None:
    (tmp_path / "password").write_text("right\n")
    mail = start(
        {"auth_exclude_mechanism": excluded}, auth_username="me", auth_password_file=tmp_path / "password"
    )
    await mail.deliver(NOTICE, 5)
    assert mailbox.logins == [login]
    assert len(mailbox.messages) == 1


async def test_without_a_user_nobody_logs_in(start: Start, mailbox: Mailbox) -> None:
    await start(auth_password="right").deliver(NOTICE, 5)
    assert mailbox.logins == []
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"auth_password": "wrong"}, "authentication|credentials|535"),
        ({}, "no secret for a way to log in that the server has: (login, plain|plain, login)"),
    ],
)
async def test_a_refused_login_is_an_error_that_is_tried_again(
    start: Start, mailbox: Mailbox, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(DeliveryError, match=f"(?i){said}") as caught:
        await start(auth_username="me", **settings).deliver(NOTICE, 5)
    assert caught.value.retry
    assert mailbox.messages == []


async def test_a_missing_secret_is_told_before(start: Start, tmp_path: Path) -> None:
    mail = start(auth_username="me", auth_password_file=tmp_path / "none")
    assert mail.readiness() == (
        Readiness.NOT_CONFIGURED,
        f"the file {tmp_path / 'none'} is missing; put the secret there",
    )
    assert start(auth_password_file=tmp_path / "none").readiness() == (Readiness.READY, "")


async def test_a_server_without_starttls_is_refused_where_tls_is_required(
    start: Start, mailbox: Mailbox
) -> None:
    with pytest.raises(DeliveryError, match="has no STARTTLS, which `require_tls`") as caught:
        await start(require_tls="true").deliver(NOTICE, 5)
    assert caught.value.retry
    assert mailbox.messages == []


async def test_starttls_before_anything_is_said(
    start: Start, mailbox: Mailbox, certificate: tuple[Path, Path]
) -> None:
    mail = start(
        {"tls_context": tls(certificate), "require_starttls": True, "auth_require_tls": True},
        require_tls="true",
        auth_username="me",
        auth_password="right",
        tls_config={"ca_file": certificate[0], "server_name": "mail.example"},
    )
    await mail.deliver(NOTICE, 5)
    assert mailbox.encrypted == [True]
    assert mailbox.logins[0].endswith("me right")


async def test_a_server_by_another_name_is_not_trusted(
    start: Start, mailbox: Mailbox, certificate: tuple[Path, Path]
) -> None:
    mail = start(
        {"tls_context": tls(certificate)}, require_tls="true", tls_config={"ca_file": certificate[0]}
    )
    with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        await mail.deliver(NOTICE, 5)
    assert caught.value.retry
    assert mailbox.messages == []


async def test_tls_from_the_first_byte(
    start: Start, mailbox: Mailbox, certificate: tuple[Path, Path]
) -> None:
    mail = start(
        {"ssl_context": tls(certificate)},
        force_implicit_tls="true",
        require_tls="true",
        tls_config={"insecure_skip_verify": "true"},
    )
    await mail.deliver(NOTICE, 5)
    assert mailbox.encrypted == [True]


async def test_one_refused_recipient_is_enough_to_fail(start: Start, mailbox: Mailbox) -> None:
    mailbox.refuse = "nobody"
    with pytest.raises(DeliveryError, match="no such user") as caught:
        await start(to="ops@example.com, nobody@example.com").deliver(NOTICE, 5)
    assert caught.value.retry
    assert mailbox.messages == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"from": "a@example.com, b@example.com"}, "`from` must be one address, not 2"),
        ({"to": "{{ .CommonLabels.nothing }}"}, "`to` has no address"),
        ({"text": "{{ .Nope }}"}, "template cannot be executed"),
    ],
)
async def test_what_cannot_become_right_is_not_tried_again(
    start: Start, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(DeliveryError, match=said) as caught:
        await start(**settings).deliver(NOTICE, 5)
    assert not caught.value.retry


async def test_a_server_that_is_away_is_tried_again(start: Start) -> None:
    with pytest.raises(DeliveryError) as caught:
        await start(smarthost=f"127.0.0.1:{free_port()}").deliver(NOTICE, 5)
    assert caught.value.retry


async def test_a_server_that_says_nothing_is_tried_again(start: Start) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(DeliveryError, match="did not answer in time") as caught:
        await start(smarthost=f"127.0.0.1:{port}").deliver(NOTICE, 0.1)
    assert caught.value.reason is Reason.DEADLINE
    server.close()
