"""Metrics of the machine, under node_exporter's names and labels, those of Linux on every system."""

from __future__ import annotations

import os
import platform
import re
import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import psutil

from accelerapp.monitoring import FamilySnapshot
from accelerapp.server.ingest import procfs

Kind = Literal["counter", "gauge"]
_Rows = list[tuple[tuple[str, ...], float]]

_PROC = Path("/proc")
_MODES = ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user")
#: Mounts that node_exporter leaves out, and those of other machines: asking one that does not answer blocks for ever.
_MOUNTS_LEFT_OUT = re.compile(
    r"/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)(/.*)?"
)
_TYPES_LEFT_OUT = frozenset(
    """
    autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devfs devpts devtmpfs erofs fusectl hugetlbfs iso9660 mqueue
    nsfs overlay proc procfs pstore rpc_pipefs securityfs selinuxfs squashfs sysfs tracefs
    9p afpfs cifs fuse.sshfs nfs nfs4 smb3 smbfs webdav
    """.split()  # noqa: SIM905 - a list of them would fill the screen
)
#: Partitions of disks, whose traffic is that of the disk.
_PARTITIONS = re.compile(r"(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p|disk\d+s)\d+")


#: Name, meaning, and how it is computed from a file system and from whether it is mounted read-only.
_FILE_SYSTEM: tuple[tuple[str, str, Callable[[os.statvfs_result, bool], float]], ...] = (
    ("size_bytes", "Bytes that a file system can hold.", lambda one, _: one.f_blocks * one.f_frsize),
    (
        "free_bytes",
        "Bytes that are free, those kept for root too.",
        lambda one, _: one.f_bfree * one.f_frsize,
    ),
    ("avail_bytes", "Bytes that users may still write.", lambda one, _: one.f_bavail * one.f_frsize),
    ("files", "Files that a file system can hold.", lambda one, _: one.f_files),
    ("files_free", "Files that can still be made.", lambda one, _: one.f_ffree),
    ("readonly", "Whether a file system is mounted to be read only.", lambda _, read_only: float(read_only)),
)


class Node:
    """Measures the machine that this process runs on.

    The file systems of `/` and of `folders` are among those told, whatever their type. Every call blocks for some
    milliseconds.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = [Path("/"), *folders]

    def metrics(self) -> list[FamilySnapshot]:
        return [
            *_processors(),
            *_memory(),
            *self._file_systems(),
            *_network(),
            *_disks(),
            *_system(),
        ]

    def _file_systems(self) -> list[FamilySnapshot]:
        mounts = {mount.mountpoint: mount for mount in psutil.disk_partitions(all=True)}
        always = {_mount_of(folder, mounts) for folder in self._folders}
        rows: list[tuple[tuple[str, ...], os.statvfs_result, bool]] = []
        for point, mount in mounts.items():
            left_out = _MOUNTS_LEFT_OUT.fullmatch(point) or mount.fstype in _TYPES_LEFT_OUT
            if left_out and point not in always:
                continue
            try:
                found = os.statvfs(point)
            except OSError:
                continue  # it is not ours to see, or it went away just now
            if found.f_blocks:
                rows.append(((mount.device, mount.fstype, point), found, "ro" in mount.opts.split(",")))

        def family(name: str, meaning: str, values: Sequence[float]) -> FamilySnapshot:
            labelled = [(labels, value) for (labels, _, _), value in zip(rows, values, strict=True)]
            return _family(
                f"filesystem_{name}", "gauge", meaning, labelled, ("device", "fstype", "mountpoint")
            )

        return [
            family(name, meaning, [measure(found, read_only) for _, found, read_only in rows])
            for name, meaning, measure in _FILE_SYSTEM
        ]


def _mount_of(folder: Path, mounts: Mapping[str, object]) -> str:
    """Return the mount point that a folder is on."""
    path = folder.absolute()
    return next((str(one) for one in (path, *path.parents) if str(one) in mounts), "/")


def _processors() -> list[FamilySnapshot]:
    rows: _Rows = [
        ((str(number), mode), getattr(times, mode))
        for number, times in enumerate(psutil.cpu_times(percpu=True))
        for mode in _MODES
        if hasattr(times, mode)
    ]
    stats = psutil.cpu_stats()
    return [
        _family(
            "cpu_seconds_total", "counter", "Seconds that a processor spent in a mode.", rows, ("cpu", "mode")
        ),
        _one(
            "context_switches_total",
            "counter",
            "Times that a processor changed to another task.",
            stats.ctx_switches,
        ),
        _one("intr_total", "counter", "Interrupts served.", stats.interrupts),
    ]


def _memory() -> list[FamilySnapshot]:
    found = procfs.memory(_PROC) or _portable_memory()
    return [
        _one(f"memory_{name}", "gauge", f"{name.removesuffix('_bytes')} of the machine's memory.", value)
        for name, value in found.items()
    ]


def _portable_memory() -> Mapping[str, float]:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    found = {
        "MemTotal_bytes": memory.total,
        "MemFree_bytes": memory.free,
        "MemAvailable_bytes": memory.available,
        "SwapTotal_bytes": swap.total,
        "SwapFree_bytes": swap.free,
    }
    for name, field in (
        ("Active", "active"),
        ("Inactive", "inactive"),
        ("Buffers", "buffers"),
        ("Cached", "cached"),
    ):
        if hasattr(memory, field):
            found[f"{name}_bytes"] = getattr(memory, field)
    return {name: float(value) for name, value in found.items()}


def _network() -> list[FamilySnapshot]:
    counters = psutil.net_io_counters(pernic=True)

    def family(name: str, meaning: str, field: str) -> FamilySnapshot:
        rows: _Rows = [((device,), getattr(one, field)) for device, one in counters.items()]
        return _family(f"network_{name}_total", "counter", meaning, rows, ("device",))

    return [
        family("receive_bytes", "Bytes received by a device.", "bytes_recv"),
        family("receive_packets", "Packets received by a device.", "packets_recv"),
        family("receive_errs", "Packets that were received wrong.", "errin"),
        family("receive_drop", "Packets received and dropped.", "dropin"),
        family("transmit_bytes", "Bytes sent by a device.", "bytes_sent"),
        family("transmit_packets", "Packets sent by a device.", "packets_sent"),
        family("transmit_errs", "Packets that could not be sent.", "errout"),
        family("transmit_drop", "Packets dropped instead of being sent.", "dropout"),
    ]


#: Name, meaning, psutil's field, and what one of it is in the name's unit.
_DISK = (
    ("reads_completed", "Reads that were done.", "read_count", 1),
    ("reads_merged", "Reads that were joined with others.", "read_merged_count", 1),
    ("read_bytes", "Bytes read.", "read_bytes", 1),
    ("read_time_seconds", "Seconds spent reading.", "read_time", 0.001),
    ("writes_completed", "Writes that were done.", "write_count", 1),
    ("writes_merged", "Writes that were joined with others.", "write_merged_count", 1),
    ("written_bytes", "Bytes written.", "write_bytes", 1),
    ("write_time_seconds", "Seconds spent writing.", "write_time", 0.001),
    ("io_time_seconds", "Seconds in which a disk was busy.", "busy_time", 0.001),
)


def _disks() -> list[FamilySnapshot]:
    try:
        counters = psutil.disk_io_counters(perdisk=True) or {}
    except (OSError, RuntimeError):  # a container may have no disks to see
        return []
    disks = {device: one for device, one in counters.items() if not _PARTITIONS.fullmatch(device)}
    families = []
    for name, meaning, field, unit in _DISK:
        rows: _Rows = [
            ((device,), getattr(one, field) * unit) for device, one in disks.items() if hasattr(one, field)
        ]
        if rows:
            families.append(_family(f"disk_{name}_total", "counter", meaning, rows, ("device",)))
    return families


def _system() -> list[FamilySnapshot]:
    uname = platform.uname()
    names = (uname.system, uname.release, uname.version, uname.machine, uname.node, procfs.domain_name(_PROC))
    families = [
        _one(f"load{minutes}", "gauge", f"Tasks that ran or waited to, on average over {minutes} min.", load)
        for minutes, load in zip((1, 5, 15), psutil.getloadavg(), strict=True)
    ]
    families += [
        _one("boot_time_seconds", "gauge", "When the machine started, in Unix seconds.", psutil.boot_time()),
        _one("time_seconds", "gauge", "The machine's clock, in Unix seconds.", time.time()),
        _family(
            "uname_info",
            "gauge",
            "What system the machine runs; always 1.",
            [(names, 1.0)],
            ("sysname", "release", "version", "machine", "nodename", "domainname"),
        ),
    ]
    if (files := procfs.open_files(_PROC)) is not None:
        families += [
            _one("filefd_allocated", "gauge", "Files that are open on the machine.", files[0]),
            _one("filefd_maximum", "gauge", "Files that may be open on the machine.", files[1]),
        ]
    families += [
        _one(f"vmstat_{name}", "counter", f"{name} of /proc/vmstat.", value)
        for name, value in procfs.paging(_PROC).items()
    ]
    return families


def process_metrics() -> list[FamilySnapshot]:
    """Return what this process takes of the machine, under the names that every client of Prometheus has."""
    process = psutil.Process()
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        started, open_files = process.create_time(), process.num_fds()
    spent, most_files = times.user + times.system, resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    values: list[tuple[str, Kind, str, float]] = [
        ("cpu_seconds_total", "counter", "Seconds of processor time taken.", spent),
        ("resident_memory_bytes", "gauge", "Bytes of memory that the process has.", memory.rss),
        ("virtual_memory_bytes", "gauge", "Bytes of addresses that the process has.", memory.vms),
        ("start_time_seconds", "gauge", "When the process started, in Unix seconds.", started),
        ("open_fds", "gauge", "Files that the process has open.", open_files),
        ("max_fds", "gauge", "Files that the process may have open.", most_files),
    ]
    return [
        FamilySnapshot(name, f"process_{name}", kind, meaning, (), (), [((), value)])
        for name, kind, meaning, value in values
    ]


def _one(name: str, kind: Kind, meaning: str, value: float) -> FamilySnapshot:
    return _family(name, kind, meaning, [((), value)], ())


def _family(name: str, kind: Kind, meaning: str, rows: _Rows, labels: tuple[str, ...]) -> FamilySnapshot:
    return FamilySnapshot(name, f"node_{name}", kind, meaning, labels, (), list(rows))
