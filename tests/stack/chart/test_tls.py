"""TLS between the chart's pods: who serves it, who trusts it, and the real servers that speak it."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML
from tests.stack.chart.rendered import Render, containers, named, pods
from tests.stack.chart.variants import VARIANTS
from tests.stack.programs import free_port

pytestmark = pytest.mark.stack


def test_what_serves_tls_is_spoken_to_by_tls_by_all_and_trusted(render: Render) -> None:
    servers = {"elasticsearch", "prometheus", "alertmanager", "grafana"}
    objects = render(*VARIANTS["tls"])
    issued = {item["spec"]["secretName"]: item["spec"] for item in objects if item["kind"] == "Certificate"}
    assert set(issued) == {f"{name}-tls" for name in servers} | {"elasticsearch-transport"}
    assert {"alertmanager-0.alertmanager-peers", "alertmanager-1.alertmanager-peers"} <= set(
        issued["alertmanager-tls"]["dnsNames"]
    )
    # Nobody is left who speaks to one of them in plain text; what stands behind a variable is its default alone.
    plain = re.compile(rf"(?<!:-)(?<!URL:)http://(?:{'|'.join(servers)})\b[^ '\"]*")
    assert plain.findall(str(render()))
    assert plain.findall(str(objects)) == []
    told = {"SSL_CERT_DIR", "CURL_CA_BUNDLE", "ELASTICSEARCH_SSL_CERTIFICATEAUTHORITIES"}
    for name, pod in pods(objects).items():
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        for container in containers(pod):
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            environment = {item["name"]: item.get("value", "") for item in container.get("env", [])}
            speaks = (
                name in ("prometheus", "blackbox-exporter")
                or "https://elasticsearch:9200" in environment.values()
            )
            if speaks:
                assert "trust" in mounted, name
                assert volumes["trust"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
                assert told & set(environment) or container["name"] == "logstash", name
        (main,) = pod["spec"]["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if "httpGet" in main.get(probe, {}):
                assert ("scheme" in main[probe]["httpGet"]) is (name in servers), name
        assert ("tls" in volumes) is (name in servers), name
        # Discovery has addresses, which no certificate names: these are scraped by their names.
        if name in servers:
            assert "prometheus.io/scrape" not in pod["metadata"].get("annotations", {})
    targets = named(objects, "ConfigMap", "prometheus-targets")["data"]
    for name in servers - {"elasticsearch"}:
        for group in YAML(typ="safe").load(targets[f"{name}.yml"]):
            assert group["labels"] == {"service": name, "__scheme__": "https"}
            assert {target.rpartition(":")[0] for target in group["targets"]} <= set(
                issued[f"{name}-tls"]["dnsNames"]
            )
    pipeline = named(objects, "ConfigMap", "logstash")["data"]["logstash.conf"]
    assert 'ssl_certificate_authorities => ["/etc/trust/ca.crt"]' in pipeline


def test_an_ingress_is_told_of_the_tls_behind_it(render: Render) -> None:
    objects = render(*VARIANTS["tls"], "ingress.enabled=true", "ingress.domain=example.com")
    told = {
        item["metadata"]["name"]: item["metadata"].get("annotations", {})
        for item in objects
        if item["kind"] == "Ingress"
    }
    assert told == {"grafana": {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"}, "kibana": {}}


def test_prometheus_and_alertmanager_speak_tls_as_the_chart_has_them_do(
    render: Render, prometheus: Path, alertmanager: Path, tmp_path: Path
) -> None:
    """The real ones, by the rendered files: only addresses, paths and intervals are those of this machine."""
    objects = render(*VARIANTS["tls"], "alertmanager.replicas=1")
    trust = tmp_path / "trust"
    trust.mkdir()
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"]
    files: list[str | Path] = ["-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.crt"]
    subprocess.run(
        [*request, "-addext", "subjectAltName=DNS:localhost", *files], check=True, capture_output=True
    )
    (trust / "ca.crt").write_bytes((tmp_path / "tls.crt").read_bytes())
    ports = {"prometheus": free_port(), "alertmanager": free_port()}

    def here(text: str) -> str:
        text = text.replace("/etc/tls/", f"{tmp_path}/").replace("15s", "1s").replace("10s", "1s")
        text = re.sub(
            r"alertmanager(-0\.alertmanager-peers)?:9093", f"localhost:{ports['alertmanager']}", text
        )
        return text.replace("prometheus:9090", f"localhost:{ports['prometheus']}")

    for folder, name in (
        ("", "prometheus"),
        ("targets", "prometheus-targets"),
        ("alertmanager", "alertmanager"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        for key, text in named(objects, "ConfigMap", name)["data"].items():
            (tmp_path / folder / key).write_text(here(text), encoding="utf-8")
    # Receivers are another test's.
    (tmp_path / "alertmanager" / "alertmanager.yml").write_text(
        "{route: {receiver: none}, receivers: [{name: none}]}"
    )
    commands: list[list[str | Path]] = [
        [
            alertmanager,
            f"--config.file={tmp_path / 'alertmanager' / 'alertmanager.yml'}",
            f"--web.config.file={tmp_path / 'alertmanager' / 'web.yml'}",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            f"--storage.path={tmp_path / 'alerts'}",
            "--cluster.listen-address=",
        ],
        [
            prometheus,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--web.config.file={tmp_path / 'web.yml'}",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
        ],
    ]
    environment = os.environ | {"SSL_CERT_DIR": str(trust), "CLUSTER": "test", "ENVIRONMENT": "test"}
    with contextlib.ExitStack() as stack:
        for command in commands:
            log = stack.enter_context((tmp_path / f"{Path(command[0]).name}.log").open("wb"))
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
        verified = ssl.create_default_context(cafile=str(trust / "ca.crt"))
        client = stack.enter_context(httpx.Client(verify=verified, timeout=10))

        def asked(name: str, path: str) -> Any:
            try:
                return client.get(f"https://localhost:{ports[name]}{path}").raise_for_status().json()
            except httpx.HTTPError:
                return None

        def healthy() -> bool:
            found = asked("prometheus", "/api/v1/targets?state=active")
            states = {
                target["labels"]["job"]: (target["health"], target["scrapeUrl"][:8])
                for target in (found or {}).get("data", {}).get("activeTargets", [])
            }
            return all(states.get(name) == ("up", "https://") for name in ports)

        def notified() -> bool:
            return "Watchdog" in {
                alert["labels"]["alertname"] for alert in asked("alertmanager", "/api/v2/alerts") or ()
            }

        deadline = time.monotonic() + 120
        while not (healthy() and notified()):
            assert time.monotonic() < deadline, (tmp_path / "prometheus.log").read_text()[-2000:]
            time.sleep(0.2)
        assert httpx.get(f"http://localhost:{ports['prometheus']}/-/ready").status_code == 400
