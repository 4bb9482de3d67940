"""A real API server of Kubernetes with its etcd, as its administrator uses it; no controller, scheduler or node runs.

It validates, admits and stores what it is given. What a controller would make of that, a test makes.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.stack.chart.rendered import Object
from tests.stack.programs import Program, free_port, until

ADMINISTRATOR = "token-of-the-administrator"
AUDIT = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


class RefusedError(Exception):
    """The server did not take an object; the message is its own."""


@dataclass(frozen=True)
class Taken:
    """What the server made of an object that it took, and its warnings."""

    item: Object
    warnings: list[str]


@dataclass
class Kubernetes:
    """An API server that answers at a port of the loopback.

    Args:
        port: Where it serves, by TLS.
        ca: The file by which it is trusted.
        client: Asks as a member of system:masters.
        audit: The file of what it was asked, one JSON object a line.
    """

    port: int
    ca: Path
    client: httpx.Client
    audit: Path
    _resources: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def resource(self, item: Object) -> Mapping[str, Any]:
        """Return what discovery says of an object's kind."""
        version, kind = item["apiVersion"], item["kind"]
        if (version, kind) not in self._resources:
            answer = self.client.get(_root(version)).raise_for_status().json()
            self._resources |= {
                (version, found["kind"]): found for found in answer["resources"] if "/" not in found["name"]
            }
        return self._resources[version, kind]

    def path(self, item: Object) -> str:
        resource, metadata = self.resource(item), item["metadata"]
        namespace = f"/namespaces/{metadata['namespace']}" if resource["namespaced"] else ""
        return f"{_root(item['apiVersion'])}{namespace}/{resource['name']}/{metadata['name']}"

    def apply(self, item: Object, *, dry_run: bool = False, part: str = "") -> Taken:
        """Apply an object on the server's side, every unknown field being an error; raises RefusedError.

        Args:
            item: The object as its manifest has it.
            dry_run: Whether all is done but storing it.
            part: A subresource, such as `status`.
        """
        parameters = {"fieldManager": "tests", "fieldValidation": "Strict", "force": "true"}
        answer = self.client.patch(
            "/".join(filter(None, (self.path(item), part))),
            params=parameters | ({"dryRun": "All"} if dry_run else {}),
            content=json.dumps(item),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        if not answer.is_success:
            raise RefusedError(f"{item['kind']} {item['metadata']['name']}: {answer.json()['message']}")
        return Taken(answer.json(), [_warning(header) for header in answer.headers.get_list("Warning")])

    def put(self, item: Object) -> None:
        """Apply an object with its status, which else a node or a controller reports."""
        self.apply({key: value for key, value in item.items() if key != "status"})
        if "status" in item:
            kind = {key: item[key] for key in ("apiVersion", "kind", "status")}
            names = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
            self.apply({**kind, "metadata": names}, part="status")
        if item["kind"] == "Namespace":
            account = {"name": "default", "namespace": item["metadata"]["name"]}
            self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})

    def delete(self, item: Object) -> None:
        """Delete an object and wait for no node to end it."""
        parameters = {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}
        self.client.delete(self.path(item), params=parameters).raise_for_status()

    @contextlib.contextmanager
    def applied(self, items: Iterable[Object]) -> Iterator[None]:
        """Apply objects in their order, and delete all but namespaces after the block."""
        with contextlib.ExitStack() as ends:
            for item in items:
                self.put(item)
                # Without its controller a namespace would be at its end for ever.
                if item["kind"] != "Namespace":
                    ends.callback(self.delete, item)
            yield

    def define(self, definition: Object) -> None:
        """Apply the definition of a kind, and wait until its objects are taken."""
        self.apply(definition)

        def established() -> bool:
            conditions = self.client.get(self.path(definition)).json()["status"]["conditions"]
            return any((item["type"], item["status"]) == ("Established", "True") for item in conditions or ())

        until(established, f"{definition['metadata']['name']} is served")

    def token(self, namespace: str, account: str) -> str:
        """Return a token of a service account, as its pods have."""
        answer = self.client.post(
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
            json={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        )
        return str(answer.raise_for_status().json()["status"]["token"])

    def asked_by(self, user: str) -> list[Mapping[str, Any]]:
        """Return the audit events of what a user has asked; a user's name is empty for who has none."""
        # What is written at the moment may lack its end.
        lines = self.audit.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if event.get("user", {}).get("username", "") == user]

    def refused(self, *users: str) -> list[str]:
        """Return what users have asked and were not given, with the status that they had instead."""
        return [
            f"{event['responseStatus']['code']}: {event['requestURI']}"
            for user in users
            for event in self.asked_by(user)
            if event.get("responseStatus", {}).get("code", 0) >= 400
        ]


def _warning(header: str) -> str:
    """Return the text of a Warning header, which has a code and an agent before it."""
    return str(json.loads(header.split(" ", 2)[2]))


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def certify(certificate: Path, key: Path) -> None:
    """Write a server's certificate for the loopback, by which it is trusted as well, and its key."""
    command: list[str | Path] = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=kubernetes", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", key, "-out", certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)


@contextlib.contextmanager
def start_kubernetes(etcd: Path, apiserver: Path, home: Path) -> Iterator[Kubernetes]:
    """Start both programs, with their data and logs in an empty folder."""
    ca, key = home / "ca.crt", home / "key"
    certify(ca, key)
    (home / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    (home / "tokens").write_text(f"{ADMINISTRATOR},administrator,1,system:masters\n", encoding="utf-8")
    store, peers, port = (free_port() for _ in range(3))
    database = Program(
        [
            *(etcd, "--name=tests", f"--data-dir={home / 'data'}", "--unsafe-no-fsync"),
            f"--listen-client-urls=http://127.0.0.1:{store}",
            f"--advertise-client-urls=http://127.0.0.1:{store}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
            f"--initial-cluster=tests=http://127.0.0.1:{peers}",
        ],
        home / "etcd.log",
        f"http://127.0.0.1:{store}/readyz",
    )
    server = Program(
        [
            *(apiserver, f"--etcd-servers=http://127.0.0.1:{store}"),
            *("--bind-address=127.0.0.1", f"--secure-port={port}"),
            # Others are not told of the loopback, where nobody else could reach it.
            "--endpoint-reconciler-type=none",
            *(f"--tls-cert-file={ca}", f"--tls-private-key-file={key}"),
            "--service-account-issuer=https://kubernetes.default.svc",
            *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC",
            f"--token-auth-file={home / 'tokens'}",
            *(f"--audit-policy-file={home / 'audit.yaml'}", f"--audit-log-path={home / 'audit.log'}"),
        ],
        home / "apiserver.log",
        f"https://127.0.0.1:{port}/readyz",
    )
    client = httpx.Client(
        base_url=f"https://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {ADMINISTRATOR}"},
        verify=ssl.create_default_context(cafile=str(ca)),
        timeout=60,
    )
    with contextlib.ExitStack() as ends:
        # What etcd reserves for its journal is large.
        ends.callback(shutil.rmtree, home / "data", ignore_errors=True)
        ends.enter_context(client)
        database.start()
        ends.callback(database.stop)
        server.launch()
        ends.callback(server.stop)
        try:
            until(lambda: client.get("/readyz").is_success, "the API server is ready")
        except AssertionError:
            raise AssertionError(server.log.read_text(encoding="utf-8")[-3000:]) from None
        yield Kubernetes(port, ca, client, home / "audit.log")
