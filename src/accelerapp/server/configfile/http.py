"""How an HTTP request is made: credentials, TLS and redirects, as Prometheus' and Alertmanager's files write them."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from accelerapp.server.configfile.model import ConfigModel, RelativePath, Text, read_secret

Version = Literal["", "TLS10", "TLS11", "TLS12", "TLS13"]

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_PROXY: Final = "is not supported; remove it"
_SECRET_MANAGER: Final = "is not supported; name a file instead"  # noqa: S105 - a message


def _not_basic(kind: str) -> str:
    if kind.strip().lower() == "basic":
        raise ValueError('authorization type cannot be set to "basic", use "basic_auth" instead')
    return kind.strip() or "Bearer"


class Authorization(ConfigModel):
    not_supported: ClassVar[Mapping[str, str]] = {"credentials_ref": _SECRET_MANAGER}

    type: Annotated[Text, AfterValidator(_not_basic)] = "Bearer"
    credentials: Text = Field(default="", repr=False)
    credentials_file: RelativePath | None = None

    @model_validator(mode="after")
    def _one(self) -> Authorization:
        if self.credentials and self.credentials_file:
            raise ValueError("at most one of authorization credentials & credentials_file must be configured")
        return self


class BasicAuth(ConfigModel):
    not_supported: ClassVar[Mapping[str, str]] = {
        "username_ref": _SECRET_MANAGER,
        "password_ref": _SECRET_MANAGER,
    }

    username: Text = ""
    username_file: RelativePath | None = None
    password: Text = Field(default="", repr=False)
    password_file: RelativePath | None = None

    @model_validator(mode="after")
    def _one(self) -> BasicAuth:
        if self.username and self.username_file:
            raise ValueError("at most one of basic_auth username & username_file must be configured")
        if self.password and self.password_file:
            raise ValueError("at most one of basic_auth password & password_file must be configured")
        return self


class TlsSettings(ConfigModel):
    not_supported: ClassVar[Mapping[str, str]] = {
        "cert": "is not supported; name a file with cert_file",
        "key": "is not supported; name a file with key_file",
        "ca_ref": _SECRET_MANAGER,
        "cert_ref": _SECRET_MANAGER,
        "key_ref": _SECRET_MANAGER,
    }

    ca: Text = ""
    ca_file: RelativePath | None = None
    cert_file: RelativePath | None = None
    key_file: RelativePath | None = None
    server_name: Text = ""
    insecure_skip_verify: bool = False
    min_version: Version = ""
    max_version: Version = ""

    @model_validator(mode="after")
    def _pairs(self) -> TlsSettings:
        if self.ca and self.ca_file:
            raise ValueError("at most one of ca & ca_file must be configured")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; give both or none")
        return self


class Header(ConfigModel):
    values: tuple[str, ...] = ()
    secrets: tuple[str, ...] = Field(default=(), repr=False)
    files: tuple[RelativePath, ...] = ()


class HttpSettings(ConfigModel):
    """The keys that say how requests are made; `enable_http2` permits what is never asked for here."""

    not_supported: ClassVar[Mapping[str, str]] = {
        "oauth2": "is not supported; use authorization or basic_auth",
        "proxy_url": _PROXY,
        "proxy_from_environment": _PROXY,
        "no_proxy": _PROXY,
        "proxy_connect_header": _PROXY,
    }

    authorization: Authorization | None = None
    basic_auth: BasicAuth | None = None
    bearer_token: Text = Field(default="", repr=False)
    bearer_token_file: RelativePath | None = None
    tls_config: TlsSettings = TlsSettings()
    http_headers: dict[str, Header] = Field(default_factory=dict)
    follow_redirects: bool = True
    enable_http2: bool = True

    @model_validator(mode="after")
    def _one_kind(self) -> HttpSettings:
        if self.bearer_token and self.bearer_token_file:
            raise ValueError("at most one of bearer_token & bearer_token_file must be configured")
        bearer = self.bearer_token or self.bearer_token_file
        if sum(map(bool, (bearer, self.basic_auth, self.authorization))) > 1:
            raise ValueError(
                "at most one of basic_auth, authorization, bearer_token & bearer_token_file must be configured"
            )
        return self


def request_headers(http: HttpSettings) -> list[tuple[str, str]]:
    """Return the headers that the settings ask for, with the secrets of their files as they are now.

    Raises OSError and ValueError where a file cannot be read.
    """
    headers = []
    for name, given in http.http_headers.items():
        texts = (*given.values, *given.secrets, *(read_secret(path) for path in given.files))
        headers += [(name, text) for text in texts]
    if http.basic_auth is not None:
        basic = http.basic_auth
        user = read_secret(basic.username_file) if basic.username_file else basic.username
        password = read_secret(basic.password_file) if basic.password_file else basic.password
        encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers.append(("Authorization", f"Basic {encoded}"))
    elif http.authorization is not None:
        given_credentials = http.authorization
        secret = (
            read_secret(given_credentials.credentials_file)
            if given_credentials.credentials_file
            else given_credentials.credentials
        )
        headers.append(("Authorization", f"{given_credentials.type} {secret}"))
    elif http.bearer_token_file is not None or http.bearer_token:
        token = read_secret(http.bearer_token_file) if http.bearer_token_file else http.bearer_token
        headers.append(("Authorization", f"Bearer {token}"))
    return headers


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """Return what the settings ask of a TLS connection; reads files. Raises OSError and ValueError."""
    own: dict[str, Any] = {}
    if tls.ca:
        own["cadata"] = tls.ca
    if tls.ca_file is not None:
        own["cafile"] = str(tls.ca_file)
    context = ssl.create_default_context(**own)
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    if tls.min_version:
        context.minimum_version = _VERSIONS[tls.min_version]
    if tls.max_version:
        context.maximum_version = _VERSIONS[tls.max_version]
    return context
