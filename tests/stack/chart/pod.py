"""What a pod has around its program: its service account's files, the API server's address, names of services."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.stack.compose.runner import why_not

#: Nobody is at this address.
NOBODY = "127.0.20.250"


def as_pod(program: Path, home: Path, port: int, ca: Path, token: str, names: Iterable[str] = ()) -> Path:
    """Return a program that starts another as a pod would, in a mount namespace of its own.

    Skips where there is none to be had; in CI that is a failure.

    Args:
        program: What the pod runs.
        home: Where the pod's files are written.
        port: The API server's, on the loopback.
        ca: The file by which the API server is trusted.
        token: The service account's.
        names: Names of services that resolve, and where nobody answers.
    """
    if (reason := why_not()) is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    account = home / "account"
    account.mkdir()
    shutil.copyfile(ca, account / "ca.crt")
    (account / "token").write_text(token, encoding="utf-8")
    (account / "namespace").write_text("observability", encoding="utf-8")
    (home / "hosts").write_text("".join(f"{NOBODY} {name}\n" for name in names), encoding="utf-8")
    pod = home / "pod"
    pod.write_text(
        f"""#!/bin/sh
export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT={port}
exec unshare --mount --propagation private sh -c '
  set -e
  mount -t tmpfs none "$(readlink -f /var/run)"
  mkdir -p /var/run/secrets/kubernetes.io
  cp -r {account} /var/run/secrets/kubernetes.io/serviceaccount
  mount --bind {home / "hosts"} /etc/hosts
  exec {program} "$@"' sh "$@"
""",
        encoding="utf-8",
    )
    pod.chmod(0o755)
    return pod
