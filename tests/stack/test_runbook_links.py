"""The playbook that each shipped alert links to is opened in the homes that run Prometheus, as their files start it.

The observatory's own are opened in the unit tests of its HTTP API.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML
from tests.stack.programs import Program, free_port

pytestmark = pytest.mark.stack

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"


def compose() -> tuple[list[str], dict[str, str]]:
    """Return Prometheus' flags, and the files that are mounted into /etc/prometheus."""
    service = YAML(typ="safe").load(SHIPPED / "docker-compose.yml")["services"]["prometheus"]
    files = {}
    for volume in service["volumes"]:
        source, _, target = volume.partition(":/etc/prometheus/")
        path, name = SHIPPED / source, target.removesuffix(":ro")
        if target and "$" not in source:
            for each in path.iterdir() if path.is_dir() else [path]:
                inner = f"{name}/{each.name}" if path.is_dir() else name
                files[inner] = each.read_text(encoding="utf-8")
    return service["command"], files


def kubernetes() -> tuple[list[str], dict[str, str]]:
    manifest = SHIPPED / "prometheus" / "kubernetes-deployment.yaml"
    objects = {
        (item["kind"], item["metadata"]["name"]): item for item in YAML(typ="safe").load_all(manifest) if item
    }
    pod = objects["StatefulSet", "prometheus"]["spec"]["template"]["spec"]
    (volume,) = [each for each in pod["volumes"] if each["name"] == "configuration"]
    files: dict[str, str] = {}
    for source in volume["projected"]["sources"]:
        data = objects["ConfigMap", source["configMap"]["name"]]["data"]
        items = source["configMap"].get("items") or [{"key": key, "path": key} for key in data]
        files |= {item["path"]: data[item["key"]] for item in items}
    return pod["containers"][0]["args"], files


@pytest.fixture(params=[compose, kubernetes], ids=["compose", "kubernetes"])
def home(request: pytest.FixtureRequest, prometheus: Path, tmp_path: Path) -> Iterator[str]:
    """A Prometheus with a home's files and its flags about its address; yields that address."""
    flags, files = request.param()
    for name, text in files.items():
        path = tmp_path / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (external,) = [flag.partition("=")[2] for flag in flags if flag.startswith("--web.external-url=")]
    (assets,) = [flag.partition("=")[2] for flag in flags if flag.startswith("--web.user-assets=")]
    assert external.rstrip("/") == "http://localhost:9090"
    port = free_port()
    url = f"http://localhost:{port}"
    rules = list((tmp_path / "etc").glob("*-rules.yml"))
    assert len(rules) == 3
    config = tmp_path / "prometheus.yml"
    config.write_text("rule_files: ['etc/*-rules.yml']\n", encoding="utf-8")
    program = Program(
        [
            prometheus,
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--web.external-url={url}",
            f"--web.user-assets={tmp_path / 'etc' / Path(assets).relative_to('/etc/prometheus')}",
        ],
        tmp_path / "log",
        f"{url}/-/ready",
    )
    program.start()
    try:
        yield url
    finally:
        program.stop()


def test_every_alert_links_to_its_playbook(home: str) -> None:
    groups: list[dict[str, Any]] = httpx.get(f"{home}/api/v1/rules").json()["data"]["groups"]
    links = {
        rule["name"]: rule["annotations"]["runbook_url"]
        for group in groups
        for rule in group["rules"]
        if rule["type"] == "alerting"
    }
    assert len(links) == 12
    for name, link in links.items():
        # What Prometheus puts in is tested with each rule's own cases.
        answer = httpx.get(link.replace("{{ $externalURL }}", home))
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].startswith("text/")
        title = answer.text.splitlines()[0].removeprefix("# ")
        assert title.replace(" ", "").lower() == name.lower(), link
