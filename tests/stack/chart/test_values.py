"""The chart's values: every one is documented and does something, and what cannot be is refused by name."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.stack.chart.rendered import CHART, FOLDER
from tests.stack.chart.variants import VARIANTS

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["secrets.existingSecret="], "secrets.existingSecret is empty: create a Secret"),
        (["prometheus.replica=2"], "additional properties 'replica' not allowed"),
        (["prometheus.replicas=many"], "/prometheus/replicas': got string, want integer"),
        (["prometheus.retention.time=30 days"], "/prometheus/retention/time': '30 days' does not match"),
        (["jaeger.storage=memory"], "/jaeger/storage': value must be one of"),
        (["jaeger.storage=badger", "jaeger.replicas=2"], "set jaeger.replicas to 1, or jaeger.storage"),
        (["elasticsearch.replicas=3"], "name a Secret with tls.crt, tls.key and ca.crt"),
        (["elasticsearch.enabled=false"], "name the one to use in elasticsearch.externalUrl"),
        (["prometheus.enabled=false"], "name the one to use in prometheus.externalUrl"),
        (["ingress.enabled=true"], "ingress.domain"),
        (["otelCollector.gateway.replicas=0"], "/otelCollector/gateway/replicas': minimum: got 0, want 1"),
        (["networkPolicies.applicationNamespaces={}"], "networkPolicies/applicationNamespaces"),
        (
            ["prometheus.snapshots.schedule=nightly"],
            "/prometheus/snapshots/schedule': 'nightly' does not match",
        ),
        (["prometheus.snapshots.keep=0"], "/prometheus/snapshots/keep': minimum: got 0, want 1"),
        (
            [
                "prometheus.snapshots.claim=backup",
                "prometheus.enabled=false",
                "prometheus.externalUrl=http://elsewhere",
            ],
            "the Prometheus that is elsewhere is saved there",
        ),
        (
            [
                "elasticsearch.snapshots.claim=backup",
                "elasticsearch.enabled=false",
                "elasticsearch.externalUrl=http://elsewhere",
            ],
            "the Elasticsearch that is elsewhere is saved there",
        ),
        (["elasticsearch.snapshots.claim=backup", "setup.enabled=false"], "setup.enabled is false"),
        (
            [
                "elasticsearch.snapshots.claim=backup",
                "elasticsearch.snapshots.repository.type=s3",
                "elasticsearch.snapshots.repository.settings.bucket=logs",
            ],
            "name one of them",
        ),
        (["elasticsearch.snapshots.repository.type=s3"], "/elasticsearch/snapshots/repository'"),
        (["certificates.components={grafana}"], "certificates.enabled is false"),
        (["certificates.components={kibana}"], "/certificates/components/0': value must be one of"),
        ([*VARIANTS["tls"], "prometheus.replicas=2"], "each scrapes itself by the name of the one Service"),
        ([*VARIANTS["tls"], "prometheus.snapshots.claim=backup"], "does so by HTTP"),
        (
            [
                "certificates.enabled=true",
                "certificates.components={grafana}",
                "ingress.enabled=true",
                "ingress.domain=example.com",
            ],
            "grafana serves TLS and is exposed: say in certificates.ingressAnnotations",
        ),
        (
            [
                "prometheus.snapshots.claim=backup",
                "ingress.enabled=true",
                "ingress.domain=example.com",
                "ingress.expose={prometheus}",
            ],
            "take prometheus out of ingress.expose",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(generator: Any, settings: list[str], message: str) -> None:
    options = [part for setting in settings for part in ("--set", setting)]
    with pytest.raises(subprocess.CalledProcessError) as refused:
        generator.render("--values", str(FOLDER / "helm" / "rendering-values.yaml"), *options)
    assert message in refused.value.stderr


def test_every_value_does_something_and_every_one_is_in_the_schema() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*.*"))
    values = YAML(typ="safe").load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for block, value in values.items():
        assert f".Values.{block}" in templates
        for name in value if isinstance(value, dict) else ():
            # Handed on whole, or read by name.
            assert re.search(rf"\.Values\.{block}(\.{name}\b| )|\.{name}\b", templates), f"{block}.{name}"
