"""A disk is full, or Elasticsearch is read-only; too many series; a container restarts."""

from __future__ import annotations

import re
import shlex

from accelerapp.cli.doctor.check import Finding, On, Symptom, check, failed, ok, skipped, warning
from accelerapp.cli.doctor.stack import Part, Stack, samples_told

_PROMETHEUS = "docker compose logs prometheus"
_ELASTICSEARCH = "docker compose ps elasticsearch, then its log"
_BLOCK = re.compile(rb'"index\.blocks\.(read_only|read_only_allow_delete|write)":"true"')
_UNBLOCK = (
    "make room first (playbooks/disk-space-low.md); then PUT accelerapp-logs-*/_settings with "
    '{"index.blocks.read_only_allow_delete": null}'
)
_REAL = '{fstype!~"squashfs|tmpfs|ramfs|iso9660|erofs"}'
_MANY_SERIES = 1_000_000
_RESTARTS = 2


@check(Symptom.DISKS, "Disks have room", mend=_PROMETHEUS)
def disks(stack: Stack) -> Finding:
    share = f"node_filesystem_avail_bytes{_REAL} / node_filesystem_size_bytes{_REAL} < 0.10"
    machine = f"{share} and node_filesystem_readonly == 0"
    volume = "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.10"
    found = stack.query(f"({machine}) or ({volume})")
    if found:
        left = min(each.value for each in found)
        told = samples_told(found, "instance", "mountpoint", "persistentvolumeclaim", number=False)
        finding = failed if left < 0.05 else warning
        return finding(
            f"less than {'5' if left < 0.05 else '10'} % is left: {told}", "playbooks/disk-space-low.md"
        )
    if stack.query("count(node_filesystem_size_bytes) or count(kubelet_volume_stats_capacity_bytes)"):
        return ok("a tenth or more is left on each")
    return skipped("nobody measures them (node-exporter, kubelet)")


@check(Symptom.DISKS, "Elasticsearch may be written to", mend=_ELASTICSEARCH, on=On.STACK)
def writable(stack: Stack) -> Finding:
    if not stack.has(Part.ELASTICSEARCH):
        found = stack.query('probe_success{job="probe-elasticsearch-writable"}')
        if not found:
            return skipped("no address of elasticsearch is given, and nothing probes it")
        if any(each.value == 0 for each in found):
            return failed("an index is read-only, or the probe's user may not look", _UNBLOCK)
        return ok("no address is given; the probe finds no index read-only")
    answer = stack.ask(
        Part.ELASTICSEARCH, "/accelerapp-logs-*/_settings/index.blocks.*", {"flat_settings": "true"}
    )
    if answer.status != 200:
        return failed(f"its settings are answered with HTTP {answer.status}", _ELASTICSEARCH)
    if blocked := _BLOCK.search(answer.body):
        return failed(f"an index has the block {blocked[1].decode()}", _UNBLOCK)
    return ok("no index has a block")


@check(Symptom.DISKS, "Prometheus' data is whole", mend=_PROMETHEUS, on=On.STACK)
def whole(stack: Stack) -> Finding:
    wrong = [
        (name, value)
        for name, metric in (
            ("damaged journals", "prometheus_tsdb_wal_corruptions_total"),
            ("failed compactions", "prometheus_tsdb_compactions_failed_total"),
            ("failed checkpoints", "prometheus_tsdb_checkpoint_creations_failed_total"),
        )
        if (value := stack.number(f"sum({metric}) > 0"))
    ]
    if wrong:
        return failed(
            "since its start: " + ", ".join(f"{name}: {value:.0f}" for name, value in wrong),
            "its log names the file; a damaged journal is cut by itself at a restart, a full disk is not",
        )
    if stack.number("count(prometheus_tsdb_head_series)") is None:
        return skipped("Prometheus does not scrape itself")
    return ok("no damage since its start")


@check(Symptom.DISKS, "Prometheus keeps what its retention says", mend=_PROMETHEUS, on=On.STACK)
def retention(stack: Stack) -> Finding:
    share = stack.number(
        "max(prometheus_tsdb_storage_blocks_bytes / (prometheus_tsdb_retention_limit_bytes > 0)) > 0.95"
    )
    if share:
        return warning(
            "the limit of size is reached: samples go before their time",
            "PROMETHEUS_RETENTION_SIZE and a larger volume, or fewer series",
        )
    if stack.number("count(prometheus_tsdb_storage_blocks_bytes)") is None:
        return skipped("Prometheus does not scrape itself")
    return ok("its size is below the limit")


@check(Symptom.DISKS, "The observatory stores what comes", mend=_PROMETHEUS, on=On.OBSERVATORY)
def observatory(stack: Stack) -> Finding:
    storage = stack.get(Part.PROMETHEUS, "/api/accelerapp/v1/status")["storage"]
    for count, text, mend in (
        ("requests_refused", "requests were refused", "its disk is full, or its queue: make room"),
        ("samples_refused_series_limit", "samples were refused", "too many series: see below"),
        ("seal_failures", "segments could not be written", "its log says why, most often a full disk"),
        (
            "damaged_segments",
            "segments are damaged and set aside",
            "restore them from a copy, or let them be",
        ),
    ):
        if storage[count]:
            return failed(f"{storage[count]} {text} since its start", mend)
    return ok("nothing refused or damaged since its start")


@check(Symptom.DISKS, "The data folder is its owner's alone", mend=_PROMETHEUS, on=On.OBSERVATORY)
def private(stack: Stack) -> Finding:
    held = stack.get(Part.PROMETHEUS, "/api/accelerapp/v1/storage")
    if held["read_by_others"]:
        return warning(
            f"other users of its machine can read {held['folder']}, and secrets may be in what is sent",
            f"chmod -R go= {shlex.quote(held['folder'])}",
        )
    return ok(held["folder"])


@check(Symptom.SERIES, "Series are few enough", mend=_PROMETHEUS, on=On.STACK)
def series(stack: Stack) -> Finding:
    count = stack.number("max(prometheus_tsdb_head_series)")
    if count is None:
        return skipped("Prometheus does not scrape itself")
    if count < _MANY_SERIES:
        return ok(f"{count:,.0f} in the head")
    most = stack.prometheus("status/tsdb")["seriesCountByMetricName"][:3]
    names = ", ".join(f"{each['name']} ({each['value']})" for each in most)
    return warning(
        f"{count:,.0f} in the head, most of {names}",
        "take the label without bound from that metric, or raise the memory: about 4 KB a series",
    )


@check(Symptom.SERIES, "Series are few enough", mend=_PROMETHEUS, on=On.OBSERVATORY)
def observatory_series(stack: Stack) -> Finding:
    storage = stack.get(Part.PROMETHEUS, "/api/accelerapp/v1/status")["storage"]
    share = storage["series"] / storage["series_limit"]
    text = f"{storage['series']:,} of {storage['series_limit']:,}"
    mend = "take the label without bound from the metric that has most, or raise ACCELERAPP_MAX_SERIES"
    if share >= 1:
        return failed(text, mend)
    return warning(text, mend) if share > 0.8 else ok(text)


@check(Symptom.SERIES, "No metric of the application overflows", mend=_PROMETHEUS)
def overflow(stack: Stack) -> Finding:
    found = stack.query("sum by (service, metric) (accelerapp_metric_series_overflow_total) > 0")
    if found:
        return failed(
            f"label sets counted under __overflow__: {samples_told(found, 'service', 'metric')}",
            "a label of that metric has values without bound: an id, an address, a path with a number in it",
        )
    return ok("none")


@check(Symptom.SERIES, "Samples come in order and once", mend=_PROMETHEUS, on=On.STACK)
def order(stack: Stack) -> Finding:
    parts = {
        "out of order": "prometheus_target_scrapes_sample_out_of_order_total",
        "twice with two values": "prometheus_target_scrapes_sample_duplicate_timestamp_total",
        "too old or too new": "prometheus_target_scrapes_sample_out_of_bounds_total",
    }
    wrong = [
        f"{name}: {value:.0f}"
        for name, metric in parts.items()
        if (value := stack.number(f"sum(increase({metric}[15m])) > 0"))
    ]
    if wrong:
        return warning(
            f"within 15 minutes {', '.join(wrong)}",
            "two targets have the same labels, or clocks differ; the log of Prometheus names the target",
        )
    return ok("within 15 minutes")


@check(Symptom.RESTARTS, "Processes keep running", mend=_PROMETHEUS)
def restarts(stack: Stack) -> Finding:
    # The start's time changes with each process; where only the time of running is told, it falls.
    found = stack.query(
        f"changes(process_start_time_seconds[1h]) > {_RESTARTS}"
        f" or resets(accelerapp_uptime_seconds[1h]) > {_RESTARTS}"
        f" or resets(otelcol_process_uptime[1h]) > {_RESTARTS}"
    )
    if found:
        return failed(
            f"starts within the hour: {samples_told(found, 'job', 'instance')}",
            "docker compose logs NAME: its end; docker inspect NAME tells OOMKilled, then raise its memory limit",
        )
    return ok("none started more than twice within the hour")
