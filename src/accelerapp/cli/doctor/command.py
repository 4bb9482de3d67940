"""The command: addresses and credentials in, findings out."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import httpx
import typer

from accelerapp.cli.doctor.check import Check, Finding, Verdict, examine
from accelerapp.cli.doctor.report import as_json, print_table
from accelerapp.cli.doctor.stack import LOOPBACK, Credentials, Part, Stack

_ENVIRONMENT = "ACCELERAPP_DOCTOR_"
#: What docker-compose.yml publishes. Elasticsearch and Logstash are not: their probes are looked at.
PUBLISHED = {
    Part.PROMETHEUS: "http://localhost:9090",
    Part.ALERTMANAGER: "http://localhost:9093",
    Part.GRAFANA: "http://localhost:3000",
    Part.KIBANA: "http://localhost:5601",
    Part.JAEGER: "http://localhost:16686",
    Part.COLLECTOR: "http://localhost:4318",
    Part.APPLICATION: "http://localhost:8088",
}


def _env(name: str) -> str:
    return f"{_ENVIRONMENT}{name}"


def doctor(
    prometheus_url: Annotated[
        str | None,
        typer.Option(
            envvar=_env("PROMETHEUS_URL"),
            help="Prometheus, or an observatory: accelerapp up speaks the same API.",
            show_default=PUBLISHED[Part.PROMETHEUS],
        ),
    ] = None,
    observatory_url: Annotated[
        str | None,
        typer.Option(
            envvar=_env("OBSERVATORY_URL"),
            help="An observatory in Prometheus' place; it is a failure if it is none.",
        ),
    ] = None,
    alertmanager_url: Annotated[
        str | None,
        typer.Option(
            envvar=_env("ALERTMANAGER_URL"), help="Alertmanager.", show_default=PUBLISHED[Part.ALERTMANAGER]
        ),
    ] = None,
    grafana_url: Annotated[
        str | None,
        typer.Option(envvar=_env("GRAFANA_URL"), help="Grafana.", show_default=PUBLISHED[Part.GRAFANA]),
    ] = None,
    kibana_url: Annotated[
        str | None,
        typer.Option(envvar=_env("KIBANA_URL"), help="Kibana.", show_default=PUBLISHED[Part.KIBANA]),
    ] = None,
    jaeger_url: Annotated[
        str | None,
        typer.Option(
            envvar=_env("JAEGER_URL"), help="Jaeger's page and API.", show_default=PUBLISHED[Part.JAEGER]
        ),
    ] = None,
    collector_url: Annotated[
        str | None,
        typer.Option(
            envvar=_env("COLLECTOR_URL"),
            help="OTLP over HTTP of the collector.",
            show_default=PUBLISHED[Part.COLLECTOR],
        ),
    ] = None,
    application_url: Annotated[
        str | None,
        typer.Option(
            envvar=_env("APPLICATION_URL"),
            help="The application, which serves /metrics.",
            show_default=PUBLISHED[Part.APPLICATION],
        ),
    ] = None,
    elasticsearch_url: Annotated[
        str | None,
        typer.Option(envvar=_env("ELASTICSEARCH_URL"), help="Elasticsearch; Compose does not publish it."),
    ] = None,
    logstash_url: Annotated[
        str | None,
        typer.Option(
            envvar=_env("LOGSTASH_URL"),
            help="Logstash's own API (port 9600); Compose does not publish it.",
        ),
    ] = None,
    elasticsearch_user: Annotated[
        str,
        typer.Option(
            envvar=_env("ELASTICSEARCH_USER"),
            help="User of Elasticsearch; only elastic sees all that setup makes.",
        ),
    ] = "elastic",
    elasticsearch_password_file: Annotated[
        Path | None,
        typer.Option(
            envvar=_env("ELASTICSEARCH_PASSWORD_FILE"),
            help="File with that user's password; ACCELERAPP_DOCTOR_ELASTICSEARCH_PASSWORD is the password itself.",
        ),
    ] = None,
    grafana_user: Annotated[
        str, typer.Option(envvar=_env("GRAFANA_USER"), help="User of Grafana.")
    ] = "admin",
    grafana_password_file: Annotated[
        Path | None,
        typer.Option(
            envvar=_env("GRAFANA_PASSWORD_FILE"),
            help="File with that user's password; ACCELERAPP_DOCTOR_GRAFANA_PASSWORD is the password itself. "
            "Without it data sources and dashboards are not checked.",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            envvar=_env("CA_FILE"),
            help="Certificate (PEM) of the authority that signed the parts' certificates.",
            show_default="the system's",
        ),
    ] = None,
    without: Annotated[
        list[Part] | None,
        typer.Option(
            help="A part that this stack does not have, such as jaeger; may be given several times.",
            metavar="PART",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            envvar=_env("TIMEOUT"), min=0.1, max=300, help="Longest time one answer may take, in seconds."
        ),
    ] = 5.0,
    as_json_wanted: Annotated[
        bool, typer.Option("--json", help="Print the findings as one JSON object.")
    ] = False,
) -> None:
    """Check a running stack, or an observatory, in the order of the README's troubleshooting chapter.

    Without options it looks at the stack that Docker Compose runs on this machine. Where Prometheus is on another one,
    a part without an address is looked at through Prometheus alone; so is one whose address is empty. Each address may
    also stand in the environment as ACCELERAPP_DOCTOR_<NAME>, such as ACCELERAPP_DOCTOR_JAEGER_URL. A part that does
    not answer is not asked again.

    The exit code is 0 where nothing failed, 1 where something did, and 2 where the command is wrong.
    """
    given = {
        Part.PROMETHEUS: prometheus_url,
        Part.ALERTMANAGER: alertmanager_url,
        Part.GRAFANA: grafana_url,
        Part.KIBANA: kibana_url,
        Part.JAEGER: jaeger_url,
        Part.COLLECTOR: collector_url,
        Part.APPLICATION: application_url,
        Part.ELASTICSEARCH: elasticsearch_url,
        Part.LOGSTASH: logstash_url,
    }
    if observatory_url is not None:
        if prometheus_url is not None:
            _refuse("--observatory-url stands in the place of --prometheus-url: give one of them")
        given[Part.PROMETHEUS] = observatory_url
    addresses = {part: _checked(part, url) for part, url in given.items() if url}
    addresses.setdefault(Part.PROMETHEUS, PUBLISHED[Part.PROMETHEUS])
    assumed = frozenset[Part]()
    if urlsplit(addresses[Part.PROMETHEUS]).hostname in LOOPBACK:
        assumed = frozenset(part for part in PUBLISHED if given[part] is None) - {Part.PROMETHEUS}
        addresses |= {part: PUBLISHED[part] for part in assumed}
    credentials = {
        part: Credentials(user, password)
        for part, user, file in (
            (Part.ELASTICSEARCH, elasticsearch_user, elasticsearch_password_file),
            (Part.GRAFANA, grafana_user, grafana_password_file),
        )
        if (password := _password(part, file)) is not None
    }
    client = _client(ca_file)
    with client:
        stack = Stack(
            addresses,
            client=client,
            seconds=timeout,
            credentials=credentials,
            without=frozenset(without or ()),
            observatory_wanted=observatory_url is not None,
            assumed=assumed,
        )
        found: list[tuple[Check, Finding]] = []
        for each in examine(stack):
            found.append(each)
            if not as_json_wanted and sys.stderr.isatty():
                typer.echo(f"\r\x1b[Kchecking: {each[0].title}", nl=False, err=True)
        if not as_json_wanted and sys.stderr.isatty():
            typer.echo("\r\x1b[K", nl=False, err=True)
    if as_json_wanted:
        typer.echo(as_json(found))
    else:
        print_table(found)
    raise typer.Exit(any(finding.verdict is Verdict.FAILED for _, finding in found))


def _refuse(text: str) -> NoReturn:
    typer.echo(f"accelerapp doctor: {text}", err=True)
    raise typer.Exit(2)


def _checked(part: Part, url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        _refuse(f"the address of {part} is no URL")
    # Not shown: it may have a password in it.
    if parts.username is not None or parts.password is not None:
        _refuse(f"the address of {part} has a user in it; credentials go into a file or the environment")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        _refuse(f"the address of {part} must be http://HOST:PORT or https://…, with a path at most: {url}")
    return url


def _password(part: Part, file: Path | None) -> str | None:
    variable = _env(f"{part.name}_PASSWORD")
    if file is None:
        return os.environ.get(variable) or None
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"{file}: {error.strerror if isinstance(error, OSError) else 'not text'}")
    if not password:
        _refuse(f"{file} is empty: the password of {part} belongs there")
    return password


def _client(ca_file: Path | None) -> httpx.Client:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            _refuse(f"{ca_file}: {error.strerror or 'no certificate in PEM form'}")
    # Whatever proxy the environment names, this machine's own ports are not behind it.
    direct = {f"all://{f'[{host}]' if ':' in host else host}": None for host in LOOPBACK}
    return httpx.Client(verify=context, mounts=direct, headers={"User-Agent": "accelerapp-doctor"})
