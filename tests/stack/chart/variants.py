"""The settings under which tests look at the chart."""

from __future__ import annotations

#: Whatever is off by default is on in one of these.
VARIANTS: dict[str, tuple[str, ...]] = {
    "as shipped": (),
    "badger": ("jaeger.storage=badger",),
    "replicas": (
        "prometheus.replicas=2",
        "alertmanager.replicas=3",
        "blackboxExporter.replicas=2",
        "elasticsearch.replicas=3",
        "certificates.enabled=true",
        "certificates.issuerRef.name=internal",
        "logstash.replicas=2",
        "kibana.replicas=2",
        "jaeger.replicas=2",
        "otelCollector.replicas=3",
    ),
    "ingress": (
        "ingress.enabled=true",
        "ingress.domain=example.com",
        "ingress.className=nginx",
        "ingress.tlsSecret=wildcard",
        "ingress.expose={grafana,kibana,jaeger,prometheus,alertmanager}",
    ),
    "external": (
        "prometheus.enabled=false",
        "prometheus.externalUrl=https://metrics.example.com",
        "elasticsearch.enabled=false",
        "elasticsearch.externalUrl=https://logs.example.com:9243",
    ),
    "backup": (
        "prometheus.snapshots.claim=backup",
        "prometheus.replicas=2",
        "elasticsearch.snapshots.claim=logs-backup",
    ),
    "bucket": (
        "elasticsearch.snapshots.repository.type=s3",
        "elasticsearch.snapshots.repository.settings.bucket=my-logs",
        "elasticsearch.snapshots.keystoreSecret=s3",
    ),
    "tls": (
        "certificates.enabled=true",
        "certificates.issuerRef.name=internal",
        "certificates.components={elasticsearch,prometheus,alertmanager,grafana}",
        "alertmanager.replicas=2",
        "certificates.ingressAnnotations.nginx\\.ingress\\.kubernetes\\.io/backend-protocol=HTTPS",
    ),
    "remote write": (
        "prometheus.remoteWrite.url=https://metrics.example.com:8443/api/v1/write",
        "prometheus.remoteWrite.existingSecret=metrics",
        "prometheus.remoteWrite.queue.max_shards=10",
    ),
    "placed": (
        "storageClass=fast",
        "imageRegistry=registry.example.com/mirror",
        "imagePullSecrets[0].name=registry",
        "nodeSelector.pool=observability",
        "tolerations[0].operator=Exists",
        "priorityClassName=high",
        "secrets.elsewhere.elastic-password.name=elastic",
        "secrets.elsewhere.elastic-password.key=password",
    ),
}
