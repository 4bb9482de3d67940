"""Scraping real targets: labels, what is reported, staleness, and what fails."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import prometheus_client
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from accelerapp.server.configfile.http import Authorization, HttpSettings, TlsSettings
from accelerapp.server.ingest import ScrapeJob, Scraper, scrape_pool
from accelerapp.server.ingest.fetch import ScrapeClient
from accelerapp.server.ingest.relabel import RelabelConfig
from accelerapp.server.ingest.scrape_job import ScrapeLimits, TargetGroup, discovered_labels, make_target
from accelerapp.server.ingest.scrape_target import ScrapeCounters, TargetScraper
from accelerapp.server.signals import Exemplar, Labels, Metadata, is_stale, make_labels
from accelerapp.server.storage import Sink


class KeepingSink(Sink, Protocol):
    samples: list[tuple[Labels, int, float]]
    exemplars: list[Exemplar]
    full: bool


TEXT = "text/plain; version=0.0.4"
NOW = 1_700_000_000.0
NOW_MS = 1_700_000_000_000


class Exposed:
    """A target whose answer a test sets."""

    def __init__(self) -> None:
        self.response = Response("a 1\n", media_type=TEXT)
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.response

    def show(self, text: str, media_type: str = TEXT) -> None:
        self.response = Response(text)
        self.response.headers["content-type"] = media_type


@pytest.fixture
def exposed() -> Exposed:
    return Exposed()


@pytest.fixture
async def address(exposed: Exposed, serve: Callable[[ASGIApp], Awaitable[str]]) -> str:
    async def endpoint(request: Request) -> Response:
        return await exposed(request)

    url = await serve(Starlette(routes=[Route("/{path}", endpoint)]))
    return url.removeprefix("http://")


class Make(Protocol):
    def __call__(self, labels: Labels = (), *, at: float = NOW, **settings: object) -> TargetScraper: ...


@pytest.fixture
async def make(sink: KeepingSink) -> AsyncIterator[Callable[..., TargetScraper]]:
    """Make scrapers whose clients are closed when the test ends."""
    clients: list[ScrapeClient] = []
    thread = ThreadPoolExecutor(1)

    def make_one(address: str, labels: Labels = (), *, at: float = NOW, **settings: object) -> TargetScraper:
        job = ScrapeJob("shop", **settings)  # type: ignore[arg-type]
        discovered = discovered_labels(job, TargetGroup((address,), labels), address)
        target = make_target(job, discovered)
        assert target is not None
        clients.append(ScrapeClient(job))
        return TargetScraper(
            job,
            target,
            discovered,
            client=clients[-1],
            sink=sink,
            counters=ScrapeCounters(),
            thread=thread,
            clock=lambda: at,
        )

    yield make_one
    for client in clients:
        await client.close()
    thread.shutdown()


@pytest.fixture
def scraper(address: str, make: Callable[..., TargetScraper]) -> Make:
    return partial(make, address)


def values(sink: KeepingSink) -> dict[str, float]:
    """Return the values by metric name, and forget them."""
    found = {dict(labels)["__name__"]: value for labels, _, value in sink.samples}
    sink.samples.clear()
    return found


def name(labels: Labels) -> str:
    return dict(labels)["__name__"]


def stale(value: float) -> bool:
    return bool(is_stale(np.array([value]))[0])


async def test_samples_get_the_targets_labels_and_the_time_of_the_scrape(
    scraper: Make, sink: KeepingSink, address: str
) -> None:
    await scraper((("env", "dev"),)).scrape()
    labels = (("__name__", "a"), ("env", "dev"), ("instance", address), ("job", "shop"))
    assert sink.samples[0] == (labels, int(NOW * 1000), 1.0)


async def test_a_scrape_reports_itself(scraper: Make, sink: KeepingSink, exposed: Exposed) -> None:
    one = scraper()
    exposed.show("a 1\nb 2\n")
    await one.scrape()
    first = values(sink)
    assert (first["up"], first["scrape_samples_scraped"], first["scrape_series_added"]) == (1, 2, 2)
    assert first["scrape_samples_post_metric_relabeling"] == 2
    assert 0 < first["scrape_duration_seconds"] < 60
    await one.scrape()
    assert values(sink)["scrape_series_added"] == 0


async def test_a_vanished_series_is_marked_stale_once(
    scraper: Make, sink: KeepingSink, exposed: Exposed
) -> None:
    one = scraper()
    exposed.show("a 1\nb 2\n")
    await one.scrape()
    exposed.show("b 2\n")
    values(sink)
    await one.scrape()
    assert stale(values(sink)["a"])
    await one.scrape()
    assert "a" not in values(sink)


async def test_a_failed_scrape_marks_every_series_stale(
    scraper: Make, sink: KeepingSink, exposed: Exposed
) -> None:
    one = scraper()
    await one.scrape()
    exposed.response = Response("down", 500)
    values(sink)
    await one.scrape()
    found = values(sink)
    assert stale(found["a"])
    assert (found["up"], found["scrape_samples_scraped"]) == (0, 0)
    assert one.status().health == "down"
    assert "500 Internal Server Error" in one.status().last_error
    exposed.show("a 1\n")
    await one.scrape()
    assert (values(sink)["a"], one.status().health, one.status().last_error) == (1, "up", "")


async def test_a_series_with_its_own_time_keeps_it_and_is_not_marked_stale(
    scraper: Make, sink: KeepingSink, exposed: Exposed
) -> None:
    one = scraper()
    exposed.show(f"a 1 {NOW_MS - 1234}\n")
    await one.scrape()
    assert sink.samples[0][1:] == (NOW_MS - 1234, 1.0)
    exposed.show("b 1\n")
    values(sink)
    await one.scrape()
    assert "a" not in values(sink)


async def test_the_end_of_a_target_marks_all_its_series_stale(scraper: Make, sink: KeepingSink) -> None:
    one = scraper()
    await one.scrape()
    values(sink)
    await one.end()
    found = values(sink)
    assert set(found) >= {"a", "up"}
    assert all(map(stale, found.values()))


async def test_conflicting_labels_are_exported(scraper: Make, sink: KeepingSink, exposed: Exposed) -> None:
    exposed.show('a{job="own",exported_job="older"} 1\n')
    await scraper().scrape()
    labels = dict(sink.samples[0][0])
    assert (labels["job"], labels["exported_job"], labels["exported_exported_job"]) == (
        "shop",
        "older",
        "own",
    )


async def test_honor_labels_keeps_the_exposed_ones(
    scraper: Make, sink: KeepingSink, exposed: Exposed
) -> None:
    exposed.show('a{job="own"} 1\n')
    await scraper(honor_labels=True).scrape()
    assert dict(sink.samples[0][0])["job"] == "own"


async def test_of_a_series_exposed_twice_the_first_counts(
    scraper: Make, sink: KeepingSink, exposed: Exposed
) -> None:
    exposed.show("a 1\na 2\n")
    await scraper().scrape()
    assert [value for labels, _, value in sink.samples if dict(labels)["__name__"] == "a"] == [1]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response("a 1\n"), "non-compliant scrape target sending blank Content-Type"),
        (
            Response("{}", media_type="application/json"),
            'received unsupported Content-Type "application/json"',
        ),
        (Response("a 1\n", headers={"content-type": "plain"}), 'cannot parse Content-Type "plain"'),
        (Response("a one\n", media_type=TEXT), "line 1: 'one' is not a number"),
        (Response("a 1\n", media_type="application/openmetrics-text"), "# EOF"),
        (Response(b"a\xff 1\n", media_type=TEXT), "not UTF-8"),
        (Response("a 1\n" * 300, media_type=TEXT), "body size limit exceeded: more than 1000 bytes"),
        (
            Response(gzip.compress(b"a 1\n" * 99_000), media_type=TEXT, headers={"content-encoding": "gzip"}),
            "body size limit exceeded",
        ),
        (Response("a 1\nb 2\nc 3\n", media_type=TEXT), "sample limit exceeded"),
        (RedirectResponse("http://127.0.0.1:1/metrics"), "cannot fetch"),
        (RedirectResponse("/metrics"), "stopped after 10 redirects"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_scraped_says_why(
    scraper: Make, sink: KeepingSink, exposed: Exposed, response: Response, error: str
) -> None:
    exposed.response = response
    one = scraper(limits=ScrapeLimits(samples=2, body_size=1000))
    await one.scrape()
    assert error in one.status().last_error
    assert values(sink)["up"] == 0


async def test_nobody_listening_says_so(make: Callable[..., TargetScraper]) -> None:
    one = make("127.0.0.1:1")
    await one.scrape()
    assert "cannot fetch http://127.0.0.1:1/metrics" in one.status().last_error


async def test_a_target_that_is_too_slow_says_so(
    scraper: Make, exposed: Exposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()

    async def slow(_self: Exposed, _request: Request) -> Response:
        await released.wait()
        return Response("a 1\n", media_type=TEXT)

    monkeypatch.setattr(Exposed, "__call__", slow)
    one = scraper(timeout_seconds=0.05)
    await one.scrape()
    released.set()
    assert "within 0.05s" in one.status().last_error


async def test_what_could_not_be_stored_is_said_and_written_next_time(
    scraper: Make, sink: KeepingSink
) -> None:
    one = scraper()
    sink.full = True
    await one.scrape()
    assert "could not be stored: no space" in one.status().last_error
    sink.full = False
    await one.scrape()
    assert values(sink)["scrape_series_added"] == 1
    assert one.status().last_error == ""


async def test_the_request_says_what_is_understood(scraper: Make, exposed: Exposed) -> None:
    await scraper(timeout_seconds=7).scrape()
    headers = exposed.requests[0].headers
    assert headers["accept"].startswith("application/openmetrics-text;version=1.0.0")
    assert headers["x-prometheus-scrape-timeout-seconds"] == "7"


async def test_a_redirect_on_the_same_host_is_followed(
    scraper: Make, sink: KeepingSink, exposed: Exposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def redirect(_self: Exposed, request: Request) -> Response:
        if request.url.path == "/metrics":
            return RedirectResponse("/moved")
        return Response("a 1\n", media_type=TEXT)

    monkeypatch.setattr(Exposed, "__call__", redirect)
    await scraper().scrape()
    assert values(sink)["up"] == 1


@pytest.fixture
def real_target() -> Iterator[str]:
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.Histogram("lag", "help", buckets=(1, 5), registry=registry).observe(2)
    server, thread = prometheus_client.start_http_server(0, "127.0.0.1", registry)
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_targets_come_and_go(real_target: str, sink: KeepingSink) -> None:
    group = TargetGroup((real_target,), (("env", "dev"),))
    job = ScrapeJob("app", (group,), interval_seconds=0.2, timeout_seconds=0.2)
    running = Scraper([job], sink)
    assert running.targets() == []
    await running.start()
    assert [target.health for target in running.targets()] == ["unknown"]
    await eventually(lambda: running.targets()[0].health == "up")
    (target,) = running.targets()
    assert target.scrape_url == f"http://{real_target}/metrics"
    assert target.labels == (("env", "dev"), ("instance", real_target), ("job", "app"))
    assert dict(target.discovered_labels)["__address__"] == real_target
    assert target.last_scrape > NOW
    buckets = {
        dict(labels)["le"]: value for labels, _, value in sink.samples if ("__name__", "lag_bucket") in labels
    }
    assert buckets == {"1.0": 0, "5.0": 1, "+Inf": 1}
    scrapes = len(sink.samples)
    await eventually(lambda: len(sink.samples) > scrapes)
    await running.apply([])
    assert running.targets() == []
    assert stale(sink.samples[-1][2])
    await running.stop()


async def test_a_job_that_gains_a_target_goes_on_with_the_others(real_target: str, sink: KeepingSink) -> None:
    def job(*addresses: str) -> ScrapeJob:
        return ScrapeJob("app", (TargetGroup(addresses),), interval_seconds=0.1, timeout_seconds=0.1)

    running = Scraper([job(real_target)], sink)
    await running.start()
    await eventually(lambda: running.targets()[0].health == "up")
    await running.apply([job(real_target, "127.0.0.1:1")])
    assert [target.health for target in running.targets()] == ["up", "unknown"]
    assert not any(stale(value) for _, _, value in sink.samples)
    await running.stop()


async def test_a_job_under_other_settings_goes_on_with_its_series(
    real_target: str, sink: KeepingSink
) -> None:
    def job(**settings: Any) -> ScrapeJob:
        group = TargetGroup((real_target,))
        return ScrapeJob("app", (group,), interval_seconds=0.1, timeout_seconds=0.1, **settings)

    dropping = RelabelConfig(source_labels=("__name__",), regex="lag_sum", action="drop")
    running = Scraper([job()], sink)
    await running.start()
    await eventually(lambda: running.targets()[0].health == "up")
    sink.samples.clear()
    await running.apply([job(honor_timestamps=False)])
    assert [target.health for target in running.targets()] == ["up"]
    await eventually(lambda: any(name(labels) == "up" for labels, _, _ in sink.samples))
    assert not any(stale(value) for _, _, value in sink.samples)
    assert {value for labels, _, value in sink.samples if name(labels) == "scrape_series_added"} == {0}
    await running.apply([job(metric_relabel=(dropping,))])
    await eventually(lambda: any(stale(value) for _, _, value in sink.samples))
    assert {name(labels) for labels, _, value in sink.samples if stale(value)} == {"lag_sum"}
    await running.stop()


async def test_a_job_that_stays_as_it_is_keeps_its_pool(real_target: str, sink: KeepingSink) -> None:
    def job() -> ScrapeJob:
        return ScrapeJob("app", (TargetGroup((real_target,)),), http=HttpSettings(bearer_token="t"))

    running = Scraper([job()], sink)
    await running.start()
    pool = running._pools["app"]
    await running.apply([job()])
    assert running._pools["app"] is pool
    await running.stop()


async def test_targets_in_files_come_and_go_while_it_runs(
    real_target: str, sink: KeepingSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape_pool, "_LOOK_SECONDS", 0.01)
    job = ScrapeJob("app", files=(tmp_path / "*.yml",), interval_seconds=0.1, timeout_seconds=0.1)
    running = Scraper([job], sink)
    await running.start()
    assert running.targets() == []
    (tmp_path / "a.yml").write_text(f"- targets: ['{real_target}']")
    await eventually(lambda: [target.health for target in running.targets()] == ["up"])
    (tmp_path / "b.yml").write_text("wrong")
    await eventually(lambda: running.unreadable_files() == 1)
    assert len(running.targets()) == 1
    (tmp_path / "a.yml").unlink()
    await eventually(lambda: running.targets() == [])
    await eventually(lambda: stale(sink.samples[-1][2]))
    await running.stop()


async def test_targets_that_relabelling_drops_are_told(sink: KeepingSink) -> None:
    drop = RelabelConfig(source_labels=("__address__",), regex="a:.", action="drop")
    limits = ScrapeLimits(dropped_targets=1)
    job = ScrapeJob("app", (TargetGroup(("a:1", "a:2", "b:1")),), relabel=(drop,), limits=limits)
    running = Scraper([job], sink)
    await running.start()
    assert [dict(one.discovered_labels)["__address__"] for one in running.dropped()] == ["a:1"]
    assert running.dropped_counts() == {"app": 2}
    assert [target.scrape_url for target in running.targets()] == ["http://b:1/metrics"]
    await running.stop()


async def test_exemplars_and_metadata_go_with_the_samples(
    scraper: Make, sink: KeepingSink, exposed: Exposed, address: str
) -> None:
    text = '# TYPE a counter\n# HELP a Help.\na_total 1 # {trace_id="t"} 0.5 1699999999\n# EOF\n'
    exposed.show(text, "application/openmetrics-text")
    one = scraper()
    await one.scrape()
    await one.scrape()
    target = make_labels({"instance": address, "job": "shop"})
    series = make_labels({**dict(target), "__name__": "a_total"})
    assert sink.exemplars == [Exemplar(series, (("trace_id", "t"),), 0.5, 1_699_999_999_000)]
    assert sink.metadata.of_targets() == {target: {"a": Metadata("counter", "Help.")}}
    await one.end()
    assert sink.metadata.of_targets() == {}


@pytest.mark.parametrize(
    ("texts", "left_out"),
    [
        (["a 1\na 2\n"], ScrapeCounters(duplicate=1)),
        ([f"a 1 {NOW_MS}\n", f"a 1 {NOW_MS}\n"], ScrapeCounters()),
        ([f"a 1 {NOW_MS}\n", f"a 2 {NOW_MS}\n"], ScrapeCounters(duplicate=1)),
        ([f"a 1 {NOW_MS}\n", f"a 2 {NOW_MS - 1}\n"], ScrapeCounters(out_of_order=1)),
        ([f"a 1 {NOW_MS + 601_000}\nb 1 {NOW_MS - 3_601_000}\n"], ScrapeCounters(out_of_bounds=2)),
    ],
)
async def test_samples_that_are_left_out_are_counted_by_reason(
    scraper: Make, sink: KeepingSink, exposed: Exposed, texts: list[str], left_out: ScrapeCounters
) -> None:
    one = scraper()
    for text in texts:
        exposed.show(text)
        await one.scrape()
    assert one._counters == left_out
    assert sum(name(labels) == "a" for labels, _, _ in sink.samples) <= 1


async def test_series_beyond_the_limit_are_tried_again_and_do_not_fail_the_scrape(
    scraper: Make, sink: KeepingSink, exposed: Exposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    number = sink.number_series

    def refusing(series: Sequence[Labels]) -> list[int | None]:
        return [None if full and name(labels) == "b" else number([labels])[0] for labels in series]

    monkeypatch.setattr(sink, "number_series", refusing)
    exposed.show("a 1\nb 2\n")
    one = scraper()
    await one.scrape()
    assert ("a" in (first := values(sink)), "b" in first, first["up"]) == (True, False, 1)
    full = False
    await one.scrape()
    assert values(sink)["b"] == 2


async def test_a_target_over_tls_is_trusted_by_the_file_that_is_named(
    sink: KeepingSink, make: Callable[..., TargetScraper], tmp_path: Path
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl, which is not installed")
    made = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", key, "-out", certificate, "-subj", "/CN=target", "-addext", "subjectAltName=DNS:target"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n")

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def settings(**tls: Any) -> dict[str, Any]:
        return {"scheme": "https", "http": HttpSettings(tls_config=TlsSettings(**tls))}

    trusting = make(address, **settings(ca_file=certificate, server_name="target"))
    await trusting.scrape()
    assert (trusting.status().health, trusting.status().last_error) == ("up", "")
    for tls, error in (
        ({}, "certificate verify failed"),
        ({"ca_file": certificate, "server_name": "other"}, "certificate verify failed"),
        ({"ca_file": tmp_path / "none"}, "secret or certificate"),
    ):
        doubting = make(address, **settings(**tls))
        await doubting.scrape()
        assert error in doubting.status().last_error
    careless = make(address, **settings(insecure_skip_verify=True))
    await careless.scrape()
    assert careless.status().health == "up"
    server.close()
    await server.wait_closed()


async def test_credentials_are_read_anew_and_are_not_shown_to_others(
    scraper: Make,
    exposed: Exposed,
    serve: Callable[[ASGIApp], Awaitable[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str | None] = []

    async def elsewhere(request: Request) -> Response:
        seen.append(request.headers.get("authorization"))
        return Response("a 1\n", media_type=TEXT)

    other = await serve(Starlette(routes=[Route("/metrics", elsewhere)]))
    token = tmp_path / "token"
    token.write_text("one\n")
    one = scraper(http=HttpSettings(authorization=Authorization(credentials_file=token)))
    await one.scrape()
    token.write_text("two\n")
    exposed.response = RedirectResponse(f"{other}/metrics")
    await one.scrape()
    assert [request.headers["authorization"] for request in exposed.requests] == ["Bearer one", "Bearer two"]
    assert (seen, one.status().health) == ([None], "up")
    token.unlink()
    await one.scrape()
    assert "secret or certificate" in one.status().last_error


async def test_a_kept_connection_that_its_target_closes_at_that_moment_is_made_anew(
    make: Callable[..., TargetScraper],
) -> None:
    requests = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            requests += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n")
            await reader.readuntil(b"\r\n\r\n")  # taken, and not answered

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    one = make(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for _ in range(2):
        await one.scrape()
        assert one.status().last_error == ""
    assert requests == 2
    await one._client.close()
    server.close()
    await server.wait_closed()
