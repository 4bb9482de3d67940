"""Remote write by the chart's values: the file that the real Prometheus takes, its token, its arrow, its samples."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML
from tests.stack.chart.policies import End, may_open
from tests.stack.chart.rendered import FOLDER, Object, Render, containers, named, pods, refusal
from tests.stack.conftest import RunningPrometheus, built, start_prometheus
from tests.stack.programs import LocalServer, until

pytestmark = pytest.mark.stack

TOKEN = "of-the-test"
PLACE = "/etc/prometheus/secrets/remote-write-token"
URL = "prometheus.remoteWrite.url=https://metrics.example.com:8443/api/v1/write"
SECRET = "prometheus.remoteWrite.existingSecret=metrics"


def configuration(objects: list[Object]) -> str:
    text: str = named(objects, "ConfigMap", "prometheus")["data"]["prometheus.yml"]
    return text


def written_out(objects: list[Object], folder: Path) -> Path:
    """Write the rendered files as Prometheus has them, with the token beside them; return its file."""
    for place, name in (("", "prometheus"), ("targets", "prometheus-targets")):
        (folder / place).mkdir(exist_ok=True)
        for key, text in named(objects, "ConfigMap", name)["data"].items():
            here = text.replace(PLACE, str(folder / "token")).replace("15s", "1s").replace("10s", "1s")
            (folder / place / key).write_text(here, encoding="utf-8")
    (folder / "token").write_text(TOKEN, encoding="utf-8")
    return folder / "prometheus.yml"


def test_without_an_address_nothing_is_sent(render: Render) -> None:
    assert "remote_write" not in YAML(typ="safe").load(configuration(render()))
    assert "remote-write-token" not in str(pods(render())["prometheus"])


def test_the_values_are_the_block_of_the_file_and_the_rest_of_it_is_as_shipped(render: Render) -> None:
    queue = (
        "prometheus.remoteWrite.queue.max_shards=10",
        "prometheus.remoteWrite.queue.batch_send_deadline=9s",
    )
    scrape = YAML(typ="safe").load(configuration(render(URL, SECRET, *queue)))
    (block,) = scrape.pop("remote_write")
    assert block == {
        "url": "https://metrics.example.com:8443/api/v1/write",
        "authorization": {"credentials_file": PLACE},
        "queue_config": {"max_shards": 10, "batch_send_deadline": "9s"},
    }
    assert scrape == YAML(typ="safe").load(configuration(render()))
    assert YAML(typ="safe").load(configuration(render(URL)))["remote_write"] == [{"url": block["url"]}]


def test_a_large_number_of_a_values_file_is_still_one(generator: Any, tmp_path: Path) -> None:
    values = {"prometheus": {"remoteWrite": {"url": "http://store/write", "queue": {"capacity": 2_500_000}}}}
    YAML().dump(values, tmp_path / "values.yaml")
    shipped = str(FOLDER / "helm" / "rendering-values.yaml")
    text = generator.render("--values", shipped, "--values", str(tmp_path / "values.yaml"))
    assert "      capacity: 2500000\n" in text


def test_the_token_is_mounted_where_the_file_names_it_for_prometheus_alone(render: Render) -> None:
    objects = render(URL, SECRET, "prometheus.remoteWrite.key=write")
    for name, pod in pods(objects).items():
        assert ("metrics" in str(pod["spec"].get("volumes"))) is (name == "prometheus"), name
    pod = pods(objects)["prometheus"]
    (container,) = containers(pod)
    (volume,) = [one for one in pod["spec"]["volumes"] if "metrics" in str(one)]
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == volume["name"]]
    (secret,) = [one["secret"] for one in volume["projected"]["sources"] if "secret" in one]
    (item,) = secret["items"]
    assert (secret["name"], item["key"]) == ("metrics", "write")
    assert f"{mount['mountPath']}/{item['path']}" == PLACE
    # A mount of a single file would keep the first token.
    assert "subPath" not in mount


def test_prometheus_reaches_the_port_of_the_address_then_and_nobody_else_does(render: Render) -> None:
    def may(name: str, port: int, *settings: str) -> bool:
        objects = render("networkPolicies.apiServerCidr=192.0.2.1/32", *settings)
        policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
        source = End("observability", pods(objects)[name]["metadata"]["labels"])
        return may_open(policies, source, End(address="203.0.113.9"), port)

    plain = "prometheus.remoteWrite.url=https://metrics.example.com/api/v1/write"
    assert not may("prometheus", 443)
    assert may("prometheus", 443, plain)
    assert not may("prometheus", 8443, plain)
    assert may("prometheus", 8443, URL)
    assert not may("prometheus", 443, URL)
    assert not may("otel-collector", 8443, URL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["url=metrics.example.com"], "/prometheus/remoteWrite/url': 'metrics.example.com' does not match"),
        (["url=https://me:secret@example.com/write"], "/prometheus/remoteWrite/url'"),
        (["existingSecret=metrics"], "a Secret or a queue, and no url"),
        (["queue.max_shards=10"], "a Secret or a queue, and no url"),
        (["url=http://store/write", "queue.max_shards=0"], "max_shards': minimum: got 0, want 1"),
        (["url=http://store/write", "queue.shards=3"], "additional properties 'shards' not allowed"),
        (["url=http://store/write", "key="], "/prometheus/remoteWrite/key'"),
        (["url=http://store/write", "token=t"], "additional properties 'token' not allowed"),
    ],
)
def test_what_cannot_be_is_refused_by_name(generator: Any, settings: list[str], message: str) -> None:
    assert message in refusal(generator, *(f"prometheus.remoteWrite.{setting}" for setting in settings))


def test_another_s_prometheus_is_not_told_where_to_write(generator: Any) -> None:
    elsewhere = ("prometheus.enabled=false", "prometheus.externalUrl=http://elsewhere")
    assert "sends its samples by its own file" in refusal(generator, URL, *elsewhere)


def test_promtool_of_both_releases_takes_the_file(
    render: Render, promtool: Path, old_promtool: Path, tmp_path: Path
) -> None:
    file = written_out(render(URL, SECRET, "prometheus.remoteWrite.queue.max_shards=10"), tmp_path)
    for program in (promtool, old_promtool):
        # Its discovery has a service account's files, which are in a cluster alone.
        checked: list[str | Path] = [program, "check", "config", "--syntax-only", file]
        done = subprocess.run(checked, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class Guard(LocalServer):
    """Stands before a store and lets in who has the token; keeps what the others came with."""

    def __init__(self, store: httpx.Client) -> None:
        self.refused: list[str | None] = []
        guard = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                given = self.headers.get("Authorization")
                status = 401
                if given == f"Bearer {TOKEN}":
                    headers = {
                        name: value
                        for name, value in self.headers.items()
                        if name.startswith(("Content-", "X-Prometheus-"))
                    }
                    status = store.post(self.path, content=body, headers=headers).status_code
                else:
                    guard.refused.append(given)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        super().__init__(Handler)
        self.url += "/api/v1/write"


@pytest.fixture
def guard(running_prometheus: RunningPrometheus) -> Iterator[Guard]:
    with Guard(running_prometheus.client) as standing:
        yield standing


def test_samples_arrive_at_a_second_prometheus_with_the_token_alone(
    render: Render, prometheus: Path, running_prometheus: RunningPrometheus, guard: Guard, tmp_path: Path
) -> None:
    """By the rendered file: only the token's place and the intervals are those of this machine."""
    objects = render(f"prometheus.remoteWrite.url={guard.url}", SECRET)
    token = written_out(objects, tmp_path).with_name("token")
    token.write_text("of-somebody-else", encoding="utf-8")

    def stored() -> Any:
        query = 'up{cluster="remote-write-test"}'
        answer: Any = running_prometheus.get("/api/v1/query", {"query": query})
        return answer["data"]["result"]

    environment = {"CLUSTER": "remote-write-test", "ENVIRONMENT": "test"}
    with start_prometheus(prometheus, tmp_path, environment=environment):
        until(lambda: guard.refused, "a request with the wrong token")
        assert not stored()
        assert set(guard.refused) == {"Bearer of-somebody-else"}
        # As a Secret is changed: no restart.
        token.write_text(TOKEN, encoding="utf-8")
        until(stored, "samples at the second Prometheus")


def test_compose_s_way_gives_prometheus_the_file_that_the_marked_block_names(
    promtool: Path, tmp_path: Path
) -> None:
    page = (FOLDER.parents[1] / "docs" / "howto" / "size-the-stack.md").read_text(encoding="utf-8")
    (override,) = re.findall(r"^```yaml\n(services:\n.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "override.yml").write_text(override, encoding="utf-8")
    loader: list[str | Path] = [built("compose") / "compose-spec", "-no-interpolation", "-format", "json"]
    done = subprocess.run(
        [*loader, "docker-compose.yml", tmp_path / "override.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    services = YAML(typ="safe").load(done.stdout)["services"]
    targets = {item["source"]: item["target"] for item in services["prometheus"]["secrets"]}

    shipped = (FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    marked = re.search(r"^# remote_write:\n(?:#.*\n)+", shipped, flags=re.MULTILINE)
    assert marked is not None
    text = shipped.replace(marked[0], re.sub(r"^# ", "", marked[0], flags=re.MULTILINE))
    (block,) = YAML(typ="safe").load(text)["remote_write"]
    assert block["authorization"]["credentials_file"] == targets["remote-write-token"]
    (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
    command: list[str | Path] = [promtool, "check", "config", "--syntax-only", tmp_path / "prometheus.yml"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
