"""E-mail by SMTP: TLS as the server offers it and the settings ask for it, a text and an HTML part."""

from __future__ import annotations

import asyncio
import base64
import datetime
import email.policy
import email.utils
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from aiosmtplib import SMTP, SMTPException

from accelerapp.server.alerting.message import message
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers.base import DeliveryError, Readiness, Reason, readiness_of
from accelerapp.server.alerting.settings import EmailSettings, GlobalSettings
from accelerapp.server.alerting.smarthost import smarthost
from accelerapp.server.alerting.templates import Rendering, TemplateError, Templates
from accelerapp.server.configfile import read_secret
from accelerapp.server.configfile.http import tls_context

_TIMEOUT: Final = 30.0
_IMPLICIT_TLS: Final = 465
#: RFC 5322, section 2.1.1, less the separator.
_MAX_LINE: Final = 990
_BREAKS: Final = re.compile(r"\s*[\r\n]+\s*")


class _LongLines(email.policy.EmailPolicy):
    """Leaves headers in one line where that is allowed: folded ones begin with a space for some readers."""

    def fold_binary(self, name: str, value: str) -> bytes:
        text = str(value)
        if text.isascii() and len(name) + len(text) < _MAX_LINE:
            return f"{name}: {text}{self.linesep}".encode()
        return super().fold_binary(name, value)


_POLICY: Final = _LongLines(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class _Letter:
    sender: str
    recipients: tuple[str, ...]
    content: bytes


class Email:
    """Sends one message a notification to all addresses of `to`."""

    def __init__(
        self,
        settings: EmailSettings,
        top: GlobalSettings,
        templates: Templates,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._host, self._port = smarthost(settings.smarthost or top.smtp_smarthost)
        self._hello = settings.hello or top.smtp_hello
        self._tls = settings.tls_config or top.smtp_tls_config
        self._require_tls = top.smtp_require_tls if settings.require_tls is None else settings.require_tls
        forced = settings.force_implicit_tls
        forced = top.smtp_force_implicit_tls if forced is None else forced
        self._implicit_tls = self._port == _IMPLICIT_TLS if forced is None else forced
        self._username = settings.auth_username or top.smtp_auth_username
        self._identity = settings.auth_identity or top.smtp_auth_identity
        self._password = (settings.auth_password, settings.auth_password_file)
        if not any(self._password):
            self._password = (top.smtp_auth_password, top.smtp_auth_password_file)
        self._secret = (
            settings.auth_secret or top.smtp_auth_secret,
            settings.auth_secret_file or top.smtp_auth_secret_file,
        )
        sender = settings.from_ or top.smtp_from
        headers = {_canonical(name): text for name, text in settings.headers.items()}
        headers.setdefault("Subject", '{{ template "email.default.subject" . }}')
        headers.setdefault("To", settings.to)
        headers.setdefault("From", sender)
        self._headers = {name: templates.text(text) for name, text in headers.items()}
        self._from = templates.text(sender)
        self._to = templates.text(settings.to)
        self._text = templates.text(settings.text)
        self._html = templates.html(settings.html)

    @property
    def send_resolved(self) -> bool:
        return self._settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        secrets = [self._password[1], self._secret[1]] if self._username else []
        return readiness_of([*secrets, self._tls.ca_file, self._tls.cert_file, self._tls.key_file])

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        letter = await asyncio.to_thread(self._letter, notice)
        try:
            context = await asyncio.to_thread(tls_context, self._tls)
        except (OSError, ValueError) as error:
            raise DeliveryError(f"the TLS settings cannot be used: {error}", retry=False) from error
        try:
            await asyncio.wait_for(self._send(letter, context), min(_TIMEOUT, timeout_seconds))
        except TimeoutError as error:
            raise DeliveryError(
                f"{self._host}:{self._port} did not answer in time", retry=True, reason=Reason.DEADLINE
            ) from error
        except (SMTPException, OSError, ValueError) as error:
            said = str(error) or type(error).__name__
            raise DeliveryError(f"{self._host}:{self._port}: {said}", retry=True) from error

    async def _send(self, letter: _Letter, context: ssl.SSLContext) -> None:
        client = SMTP(
            hostname=self._host,
            port=self._port,
            local_hostname=self._hello,
            use_tls=self._implicit_tls,
            start_tls=False,
            tls_context=context,
            timeout=None,
        )
        await client.connect()
        try:
            await client.ehlo()
            if self._require_tls and not self._implicit_tls:
                if not client.supports_extension("starttls"):
                    raise SMTPException(
                        "the server has no STARTTLS, which `require_tls` (the default) asks for"
                    )
                await client.starttls(
                    server_hostname=self._tls.server_name or self._host, tls_context=context
                )
                await client.ehlo()
            await self._log_in(client)
            await client.mail(letter.sender)
            for recipient in letter.recipients:
                await client.rcpt(recipient)
            await client.data(letter.content)
            await client.execute_command(b"QUIT")
        finally:
            # All is said: nothing waits for the other side to end TLS.
            if isinstance(client.transport, asyncio.WriteTransport):
                client.transport.abort()
            client.close()
            # The connection is closed by the loop's next passes, also where the loop is about to end.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def _log_in(self, client: SMTP) -> None:
        """Authenticate by the first of the server's ways for which there is a secret."""
        if not self._username or not client.supports_extension("auth"):
            return
        missing = []
        for way in client.supported_auth_methods:
            secret = await asyncio.to_thread(_read, self._secret if way == "cram-md5" else self._password)
            if way not in ("cram-md5", "plain", "login") or not secret:
                missing.append(way)
            elif way == "cram-md5":
                await client.auth_crammd5(self._username, secret)
                return
            elif way == "login":
                await client.auth_login(self._username, secret)
                return
            else:
                await self._log_in_plainly(client, secret)
                return
        raise SMTPException(
            f"there is no secret for a way to log in that the server has: {', '.join(missing)}"
        )

    async def _log_in_plainly(self, client: SMTP, password: str) -> None:
        if client.get_transport_info("sslcontext") is None and not _is_local(self._host):
            raise SMTPException(
                "the password is not sent over a connection without TLS; set `require_tls: true`"
            )
        said = "\0".join((self._identity, self._username, password)).encode()
        response = await client.execute_command(b"AUTH", b"PLAIN", base64.b64encode(said))
        if response.code != 235:
            raise SMTPException(f"the server refuses to log in {self._username}: {response.message}")

    def _letter(self, notice: Notice) -> _Letter:
        render = Rendering(message(notice), self._clock)
        try:
            senders, recipients = _addresses(render(self._from)), _addresses(render(self._to))
            if len(senders) != 1:
                raise DeliveryError(f"`from` must be one address, not {len(senders)}", retry=False)
            if not recipients:
                raise DeliveryError("`to` has no address", retry=False)
            content = self._content(notice, render)
        except TemplateError as error:
            raise DeliveryError(f"the template cannot be executed: {error}", retry=False) from error
        except ValueError as error:
            raise DeliveryError(f"the message cannot be written: {error}", retry=False) from error
        return _Letter(senders[0], recipients, content)

    def _content(self, notice: Notice, render: Rendering) -> bytes:
        letter = EmailMessage(policy=_POLICY)
        for name, template in self._headers.items():
            # A header is one line, whatever a label holds.
            letter[name] = _BREAKS.sub(" ", render(template))
        if "Message-Id" not in self._headers:
            letter["Message-Id"] = email.utils.make_msgid(
                domain=socket.gethostname() or "localhost.localdomain"
            )
        moment = datetime.datetime.fromtimestamp(self._clock()).astimezone()
        if self._settings.threading.enabled:
            day = "" if self._settings.threading.thread_by_date == "none" else f"{moment:%Y-%m-%d}"
            root = f"<alert-{notice.key_hash[:16]}-{day}@alertmanager>"
            letter["References"] = letter["In-Reply-To"] = root
        if "Date" not in self._headers:
            letter["Date"] = email.utils.format_datetime(moment)
        letter["MIME-Version"] = "1.0"
        letter.make_alternative()
        for text, kind in ((render(self._text), "plain"), (render(self._html), "html")):
            if text:
                letter.add_alternative(text, subtype=kind, cte="quoted-printable")
        return letter.as_bytes()


def _canonical(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(address for _, address in email.utils.getaddresses([_BREAKS.sub(" ", text)]) if address)


def _read(secret: tuple[str, object]) -> str:
    inline, path = secret
    return inline if path is None else read_secret(path)  # type: ignore[arg-type]


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")
