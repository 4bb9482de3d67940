"""The observatory's wiring: what is built, in which order it starts, and in which it stops."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from accelerapp import __version__
from accelerapp.server.alerting import Alertmanager
from accelerapp.server.api import (
    Configuration,
    Exporter,
    OwnHealth,
    QueryThreads,
    ReloadError,
    Services,
    query_app,
)
from accelerapp.server.config import Settings
from accelerapp.server.configfile import ConfigError
from accelerapp.server.configuration import LOOKBACK, Files, flags, read_files
from accelerapp.server.dashboards import Dashboard, DashboardError
from accelerapp.server.ingest import (
    Account,
    BeatsReceiver,
    HttpProbe,
    HttpReceiver,
    LogstashTcpReceiver,
    Node,
    OtlpGrpcReceiver,
    Receiver,
    ReceiverStatus,
    ScrapeFile,
    ScrapeJob,
    Scraper,
    jaeger_app,
    logstash_http_app,
    otlp_app,
    own_jobs,
    zipkin_app,
)
from accelerapp.server.oncall import Playbooks
from accelerapp.server.promql import Engine
from accelerapp.server.rules import RuleManager
from accelerapp.server.serving import HttpServer, listen
from accelerapp.server.settings_in_use import settings_in_use
from accelerapp.server.signals import Clock
from accelerapp.server.storage import (
    SegmentFormatError,
    Storage,
    StorageFullError,
    StorageLockedError,
    StorageSettings,
)
from accelerapp.server.storage.state import State, StateError

log = logging.getLogger("accelerapp.server")

#: What is wrong with a file of the settings.
_FILE_ERRORS = (ConfigError, DashboardError, OSError)
#: How long what the rules write may take to be durable before the rule thread goes on without waiting.
_RULE_WRITE_SECONDS = 10.0


#: Open files to ask the system for: every segment is one, and macOS allows 256 unless asked.
_OPEN_FILES = 8192


class StartError(Exception):
    """The observatory cannot start; the message says what was wrong and what to do."""


class Observatory:
    """One observatory: built from settings, started and stopped on the running event loop.

    `clock` returns Unix seconds. After `start` the attributes `url`, `otlp_url` and `warnings` are set.
    """

    def __init__(self, settings: Settings, clock: Clock = time.time) -> None:
        self.settings = settings
        self.url = ""
        self.otlp_url: str | None = None
        self.warnings: list[str] = []
        self._clock = clock
        self._services: Services
        self._configuration: Configuration
        self._dashboards: dict[str, Dashboard] = {}
        self._reloading = asyncio.Lock()
        self._page: HttpServer | None = None
        self._receivers: list[Receiver] = []
        self._ports: dict[str, int] = {}
        self._closing = contextlib.AsyncExitStack()
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Open the data folder, read every file, and listen. Raises StartError; nothing is left running then."""
        try:
            await self._start()
        except (*_FILE_ERRORS, StateError, StorageLockedError, SegmentFormatError) as error:
            await self.stop()
            raise StartError(str(error)) from error
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        # Decoding and evaluating hold the interpreter in bursts; a short switch interval keeps the loop prompt.
        sys.setswitchinterval(0.0005)
        raise_open_files()
        settings = self.settings
        try:
            page_socket = listen(settings.host, settings.port)
        except OSError as error:
            raise StartError(_cannot_listen(settings.host, settings.port, "--port", error)) from error
        self._closing.callback(page_socket.close)
        self._ports["page"] = page_socket.getsockname()[1]
        self.url = f"http://{_in_url(settings.host)}:{self._ports['page']}"

        try:
            storage = await asyncio.to_thread(
                Storage.open, settings.data_dir, _storage_settings(settings), self._clock
            )
        except OSError as error:
            raise StartError(
                f"the data folder {settings.data_dir} cannot be opened: {error.strerror or error}; "
                "give this user access to it, or choose another with --data-dir"
            ) from error
        self._closing.push_async_callback(storage.close)
        state = State(settings.data_dir / "state.sqlite")
        self._closing.callback(state.close)

        files = await asyncio.to_thread(read_files, settings)
        self._configuration = self._read_well(files)
        services = self._services = self._build(files, storage, state)

        services.health.start()
        self._closing.push_async_callback(services.health.stop)
        await services.alertmanager.start()
        self._closing.push_async_callback(services.alertmanager.stop)
        await self._start_receivers(storage)
        names = [_in_url(host) for host in (settings.host, urlsplit(self._external_url()).hostname or "")]
        app = query_app(services, loopback_only=_is_loopback(settings.host), names=names)
        page = HttpServer(
            app, page_socket, services.account.refused, max_connections=settings.max_connections
        )
        self._page = page
        await page.start()
        storage.announce(self.url)
        services.rules.start()
        # The rule thread may be waiting for the loop to write its samples, so the loop does not wait for it.
        self._closing.push_async_callback(asyncio.to_thread, services.rules.stop)
        self._closing.push_async_callback(services.scraper.stop)
        await services.scraper.start()

    def _build(self, files: Files, storage: Storage, state: State) -> Services:
        """Make every part from the settings' files; nothing runs yet."""
        settings, clock = self.settings, self._clock
        factor, scrape = settings.time_factor, files.scrape
        external_url = self._external_url()
        self._dashboards = dict(files.dashboards)
        engine = Engine(
            storage.metrics,
            lookback_seconds=LOOKBACK / factor,
            subquery_step_seconds=scrape.evaluation_interval,
            max_samples=settings.query_max_samples,
            timeout_seconds=settings.query_timeout,
        )
        alertmanager = Alertmanager(files.routes, state, clock, external_url=external_url)
        rules = RuleManager(
            files.groups,
            engine,
            write=_writer(storage.write_samples, asyncio.get_running_loop()),
            write_histograms=_writer(storage.write_histograms, asyncio.get_running_loop()),
            notify=alertmanager.receive,
            state=state,
            clock=clock,
            external_url=external_url,
            external_labels=scrape.external_labels,
        )
        health = OwnHealth()
        query_threads = QueryThreads(
            settings.query_concurrency, settings.query_max_waiting, settings.query_timeout, clock
        )
        # A query may go on for as long as its time-out allows: the loop does not wait for it, and reads are ended.
        self._closing.push_async_callback(asyncio.to_thread, query_threads.close)
        self._closing.callback(storage.interrupt_reads)
        return Services(
            version=__version__,
            revision=settings.revision,
            external_url=external_url,
            started_at=clock(),
            time_factor=factor,
            clock=clock,
            engine=engine,
            metrics=storage.metrics,
            metadata=storage.metadata,
            exemplars=storage.exemplars,
            spans=storage.spans,
            logs=storage.logs,
            rules=rules,
            alertmanager=alertmanager,
            scraper=Scraper(self._jobs(scrape), storage, clock),
            exporters=self._exporters(),
            dashboards=self._dashboards,
            playbooks=Playbooks(settings.playbooks_dir),
            storage_stats=storage.stats,
            inventory=storage.inventory,
            backup=storage.backup,
            configuration=lambda: self._configuration,
            reload=self.reload,
            ports=lambda: dict(self._ports),
            receivers=self.receivers,
            account=Account("page", "The page and the APIs", clock),
            query_threads=query_threads,
            health=health,
            stopping=self._stopping,
        )

    def _jobs(self, scrape: ScrapeFile) -> list[ScrapeJob]:
        """Return what is scraped: the jobs of the file, and our own."""
        address = f"{_in_url(self.settings.host)}:{self._ports['page']}"
        probed = _ollama_version_url(self.settings)
        defined = {job.name for job in scrape.jobs}
        own = own_jobs(address, scrape.scrape_interval, self.settings.targets_dir, probed, defined)
        return [*scrape.jobs, *own]

    def _exporters(self) -> dict[str, Exporter]:
        """Return what is measured of others than the observatory itself, by the name under which it is scraped."""
        node = Node([self.settings.data_dir])
        exporters: dict[str, Exporter] = {"node": lambda: asyncio.to_thread(node.metrics)}
        if probed := _ollama_version_url(self.settings):
            exporters["ollama"] = HttpProbe(probed, '"version"').metrics
        return exporters

    async def reload(self) -> None:
        """Read the files again and go on by them; raises ReloadError where one is wrong, and nothing changes then."""
        async with self._reloading:
            if self._stopping.is_set():
                raise ReloadError("the observatory stops")
            try:
                files = await asyncio.to_thread(read_files, self.settings)
                await self._services.alertmanager.reload(files.routes)
            except _FILE_ERRORS as error:
                now = self._clock()
                self._configuration = replace(self._configuration, tried_at=now, error=str(error))
                log.error("the files were not read again, what runs goes on: %s", error)
                raise ReloadError(str(error)) from error
            # An evaluation that runs is waited for, and may itself be waiting for the loop to write its samples.
            await asyncio.to_thread(self._services.rules.apply, files.groups, files.scrape.external_labels)
            self._services.engine.set_subquery_step(files.scrape.evaluation_interval)
            await self._services.scraper.apply(self._jobs(files.scrape))
            self._dashboards.clear()
            self._dashboards.update(files.dashboards)
            self._configuration = self._read_well(files)
            log.info("the files were read again")

    def _read_well(self, files: Files) -> Configuration:
        external_url, now = self._external_url(), self._clock()
        return Configuration(
            files.yaml,
            flags(self.settings, external_url),
            external_url,
            read_at=now,
            tried_at=now,
            overlay=files.overlay,
            settings=settings_in_use(self.settings),
            files=files.in_use,
            scrape_interval=files.scrape.scrape_interval * self.settings.time_factor,
        )

    def _external_url(self) -> str:
        return self.settings.external_url or self.url

    async def run_until_signalled(self) -> None:
        """Wait for SIGINT or SIGTERM; SIGHUP reads the files again meanwhile."""
        signalled = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, signalled.set)
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = loop.create_task(self._reload_by_signal())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        await signalled.wait()

    async def _reload_by_signal(self) -> None:
        with contextlib.suppress(ReloadError):  # which is logged, and shown by the API
            await self.reload()

    async def stop(self) -> None:
        """Stop receiving, then evaluating, then storing; what was acknowledged is on disk."""
        self._stopping.set()
        listening: list[Receiver | HttpServer] = [*self._receivers]
        if self._page is not None:
            listening.append(self._page)
        try:
            ended = await asyncio.gather(*(one.stop() for one in listening), return_exceptions=True)
        finally:
            self._receivers, self._page = [], None
            async with self._reloading:  # which would begin anew what ends here
                await self._closing.aclose()
        for error in ended:
            if error is not None:
                raise error

    def receivers(self) -> list[ReceiverStatus]:
        """Return every receiver with its address and what it took and refused."""
        host = _in_url(self.settings.host)
        ports = self._ports
        return [
            one.account.status(f"{host}:{ports[one.account.name]}" if one.account.name in ports else "")
            for one in self._receivers
        ]

    def _make_receivers(self, storage: Storage) -> list[Receiver]:
        """Make every receiver; its account's name with `_port` is its setting."""

        settings, clock = self.settings, self._clock
        limits = {"max_request_bytes": settings.max_request_bytes}
        connections = {"max_connections": settings.max_connections}

        def http(name: str, title: str, make_app: Callable[..., ASGIApp]) -> HttpReceiver:
            account = Account(name, title, clock)
            return HttpReceiver(make_app(storage, account, **limits), account, **connections)

        otlp_grpc = Account("otlp_grpc", "OTLP over gRPC", clock)
        logstash_tcp = Account("logstash_tcp", "Logstash's JSON lines over TCP", clock)
        beats = Account("beats", "Beats", clock)
        lines = {"max_line_bytes": settings.max_line_bytes}
        return [
            OtlpGrpcReceiver(storage, otlp_grpc, **limits, **connections),
            http("otlp_http", "OTLP over HTTP", otlp_app),
            http("zipkin", "Zipkin's spans", partial(zipkin_app, clock=clock)),
            http("jaeger", "Jaeger's spans, Thrift over HTTP", jaeger_app),
            LogstashTcpReceiver(storage, logstash_tcp, clock=clock, **lines, **connections),
            http("logstash_http", "Logstash's events over HTTP", partial(logstash_http_app, clock=clock)),
            BeatsReceiver(storage, beats, clock=clock, **limits, **connections),
        ]

    async def _start_receivers(self, storage: Storage) -> None:
        """Receive at every port that is free; go on without the others, with a warning each."""
        self._receivers = self._make_receivers(storage)
        for receiver in self._receivers:
            name = receiver.account.name
            port: int | None = getattr(self.settings, f"{name}_port")
            if port is None:
                continue
            try:
                self._ports[name] = await receiver.start(self.settings.host, port)
            except OSError as error:
                option = f"--{name.replace('_', '-')}-port"
                problem = _cannot_listen(self.settings.host, port, option, error)
                self.warnings.append(f"{receiver.account.title} is off: {problem}")
        if "otlp_http" in self._ports:
            self.otlp_url = f"http://{_in_url(self.settings.host)}:{self._ports['otlp_http']}"


def raise_open_files(wanted: int = _OPEN_FILES) -> None:
    """Raise the number of files that this process may open, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _cannot_listen(host: str, port: int, option: str, error: OSError) -> str:
    """Say why an address cannot be listened on, and which option to change: the port's, or --host."""
    wrong_port = error.errno in {errno.EADDRINUSE, errno.EACCES}
    # Python adds the address to what the system says, which is named here already.
    reason = (error.strerror or str(error)).partition(" (while attempting")[0]
    return (
        f"cannot listen on {host} port {port}: {reason}; {option if wrong_port else '--host'} chooses another"
    )


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _in_url(host: str) -> str:
    """Return the name under which this machine reaches an address that it listens on."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _ollama_version_url(settings: Settings) -> str:
    """Return the URL that is probed of Ollama, which answers without loading a model; empty where there is none."""
    return f"{settings.ollama_url.rstrip('/')}/api/version" if settings.ollama_url else ""


def _storage_settings(settings: Settings) -> StorageSettings:
    return StorageSettings(
        max_series=settings.max_series,
        max_exemplars=settings.max_exemplars,
        unsealed_bytes=settings.max_unsealed_bytes,
        seal_interval_seconds=settings.seal_interval,
        retention_seconds=settings.retention,
        retention_bytes=settings.retention_bytes,
        query_timeout_seconds=settings.query_timeout,
    )


def _writer(
    store: Callable[[Any], Coroutine[Any, Any, int]], loop: asyncio.AbstractEventLoop
) -> Callable[[Any], None]:
    """Return the call by which the rule thread writes samples: it waits until they are durable."""

    def write(samples: Any) -> None:
        writing = asyncio.run_coroutine_threadsafe(store(samples), loop)
        try:
            writing.result(_RULE_WRITE_SECONDS)
        except (StorageFullError, TimeoutError) as error:
            # The alert's state does not hang on its series, so evaluation goes on without them.
            log.warning("samples of the rules were not written: %s", error or "the disk takes too long")

    return write
