"""What a container is: a root of its own, its mounts, its address and its user; then the program takes over.

Run as root in fresh network and mount namespaces, with the path of a JSON file that `runner.py` writes. The root is
empty but for the machine's /usr (there are no images here), the program, and what the Compose file mounts.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

LINKED = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def mount_point(root: Path, target: str, *, folder: bool) -> Path:
    point = root / target.lstrip("/")
    if folder:
        point.mkdir(parents=True, exist_ok=True)
    elif not point.exists():
        point.parent.mkdir(parents=True, exist_ok=True)
        point.touch()
    return point


def bind(root: Path, source: str, target: str, *, read_only: bool) -> None:
    point = mount_point(root, target, folder=Path(source).is_dir())
    run("mount", "--rbind", source, str(point))
    if read_only:
        run("mount", "-o", "remount,bind,ro", str(point))


def connect(address: str, gateway: str, peer: str) -> None:
    """Make this side of the cable; process 1 of the surrounding namespaces holds the other."""
    run("ip", "link", "set", "lo", "up")
    # The same hardware address for the same address, or neighbours would look for a restarted service in vain.
    hardware = "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))
    run(*f"ip link add eth0 address {hardware} type veth peer name {peer} netns 1".split())
    run("ip", "address", "add", f"{address}/24", "dev", "eth0")
    run("ip", "link", "set", "eth0", "up")
    run("ip", "route", "add", "default", "via", gateway)
    run("nsenter", "--target", "1", "--net", "ip", "link", "set", peer, "master", "compose0", "up")


def build_root(root: Path, container: dict[str, Any]) -> None:
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "root", str(root))
    root.chmod(0o755)
    for name in LINKED:
        here = Path("/", name)
        if here.is_symlink():
            (root / name).symlink_to(here.readlink())
        elif here.is_dir():
            bind(root, str(here), f"/{name}", read_only=True)
    bind(root, "/usr", "/usr", read_only=True)
    bind(root, "/dev", "/dev", read_only=False)
    run("mount", "-t", "proc", "proc", str(mount_point(root, "/proc", folder=True)))
    (root / "tmp").mkdir(mode=0o1777)
    for path, text in container["files"].items():
        mount_point(root, path, folder=False).write_text(text, encoding="utf-8")
    # Outer folders first, so that what is mounted into a mounted folder is not hidden by it, be it memory.
    memory = [{"target": target, "source": None} for target in container["tmpfs"]]
    for mount in sorted([*memory, *container["mounts"]], key=lambda mount: mount["target"].count("/")):
        if mount["source"] is None:
            point = mount_point(root, mount["target"], folder=True)
            run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(point))
        else:
            bind(root, mount["source"], mount["target"], read_only=mount["read_only"])
    if container["read_only"]:
        run("mount", "-o", "remount,bind,ro", str(root))


def main() -> None:
    container = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    root = Path(container["root"])
    connect(container["address"], container["gateway"], container["peer"])
    build_root(root, container)
    for name, (soft, hard) in container["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (soft, hard))
    os.chroot(root)
    os.chdir("/")
    user, group = container["user"]
    drop = ["--reuid", user, "--regid", group, "--clear-groups"]
    if container["drop_capabilities"]:
        drop += ["--bounding-set=-all", "--inh-caps=-all"]
    if container["no_new_privileges"]:
        drop += ["--no-new-privs"]
    os.execve("/usr/bin/setpriv", ["setpriv", *drop, "--", *container["command"]], container["environment"])


if __name__ == "__main__":
    main()
