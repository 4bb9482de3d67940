"""A fake of Kubernetes' API server: it lists and watches objects that a test puts in, and knows nothing else.

It validates and schedules nothing, and stands in where the real one is not built. What they share is what a client of
discovery sees: the paths, lists, watches with their initial events and bookmarks, TLS, and the refusal of who has no
token or no right.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = Mapping[str, Any]

#: The API group, resource and kind of each path, for all namespaces.
PATHS = {
    "/api/v1/nodes": ("", "nodes", "Node"),
    "/api/v1/pods": ("", "pods", "Pod"),
    "/api/v1/services": ("", "services", "Service"),
    "/apis/discovery.k8s.io/v1/endpointslices": ("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    "/apis/networking.k8s.io/v1/ingresses": ("networking.k8s.io", "ingresses", "Ingress"),
}


class ApiServer:
    """Serves on the loopback from the start on, to who has the token, what the rules of a ClusterRole allow."""

    def __init__(self, certificate: Path, key: Path, token: str, rules: Iterable[Object]) -> None:
        self.refused: list[str] = []
        self.watched: set[str] = set()
        self._token, self._rules = token, list(rules)
        self._objects: dict[str, dict[tuple[str, str], Object]] = {kind: {} for _, _, kind in PATHS.values()}
        self._events: list[tuple[int, str, Object]] = []
        self._changed = threading.Condition()
        self._closed = False
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api._answer(self)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def put(self, item: Object) -> None:
        """Add an object, or change the one of its kind, namespace and name."""
        with self._changed:
            known = self._objects[item["kind"]]
            happened = "MODIFIED" if self._key(item) in known else "ADDED"
            known[self._key(item)] = self._happens(happened, item)

    def delete(self, item: Object) -> None:
        with self._changed:
            del self._objects[item["kind"]][self._key(item)]
            self._happens("DELETED", item)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _key(item: Object) -> tuple[str, str]:
        return item["metadata"].get("namespace", ""), item["metadata"]["name"]

    def _happens(self, event: str, item: Object) -> Object:
        version = len(self._events) + 1
        stored = {**item, "metadata": {**item["metadata"], "resourceVersion": str(version)}}
        self._events.append((version, event, stored))
        self._changed.notify_all()
        return stored

    def _after(self, seen: int) -> list[tuple[int, str, Object]]:
        """Return the events after the first `seen`, or none if none happens within a second."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._events) > seen, timeout=1)
            return self._events[seen:]

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        address = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        watch = query.get("watch") in ("1", "true")
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            self._refuse(request, 401, "Unauthorized")
        elif address.path not in PATHS:
            self._refuse(request, 404, "NotFound")
        elif not self._may(*PATHS[address.path][:2], "watch" if watch else "list"):
            self._refuse(request, 403, "Forbidden")
        elif watch:
            self._watch(request, PATHS[address.path][2], query)
        else:
            self._list(request, PATHS[address.path][2])

    def _may(self, group: str, resource: str, verb: str) -> bool:
        return any(
            group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]
            for rule in self._rules
        )

    def _refuse(self, request: BaseHTTPRequestHandler, code: int, reason: str) -> None:
        self.refused.append(f"{reason}: {request.path}")
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
        self._send(request, code, status)

    def _list(self, request: BaseHTTPRequestHandler, kind: str) -> None:
        with self._changed:
            items, version = list(self._objects[kind].values()), len(self._events)
        found = {
            "kind": f"{kind}List",
            "apiVersion": items[0]["apiVersion"] if items else "v1",
            "metadata": {"resourceVersion": str(version)},
            "items": items,
        }
        self._send(request, 200, found)

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, code: int, answer: Object) -> None:
        body = json.dumps(answer).encode()
        request.send_response(code)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _watch(self, request: BaseHTTPRequestHandler, kind: str, query: Mapping[str, str]) -> None:
        until = time.monotonic() + float(query.get("timeoutSeconds", "600"))
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()

        def tell(event: str, item: Object) -> None:
            line = json.dumps({"type": event, "object": item}).encode() + b"\n"
            request.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            request.wfile.flush()

        with self._changed:
            self.watched.add(kind)
            seen = int(query.get("resourceVersion") or 0)
            items: list[Object] = []
            if query.get("sendInitialEvents") == "true":
                items, seen = list(self._objects[kind].values()), len(self._events)
        try:
            if query.get("sendInitialEvents") == "true":
                for item in items:
                    tell("ADDED", item)
                ended = {"resourceVersion": str(seen), "annotations": {"k8s.io/initial-events-end": "true"}}
                tell("BOOKMARK", {"kind": kind, "apiVersion": _version(kind), "metadata": ended})
            while not self._closed and time.monotonic() < until:
                new = self._after(seen)
                seen += len(new)
                for _, event, item in new:
                    if item["kind"] == kind:
                        tell(event, item)
            request.wfile.write(b"0\r\n\r\n")
        except OSError:
            request.close_connection = True


def _version(kind: str) -> str:
    (path,) = [path for path, (_, _, of) in PATHS.items() if of == kind]
    return path.removeprefix("/apis/").removeprefix("/api/").rpartition("/")[0]
