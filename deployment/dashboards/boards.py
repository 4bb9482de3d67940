"""What each dashboard shows: one function a dashboard, one call a panel."""

from __future__ import annotations

from deployment.dashboards.panels import board, dial, graph, number
from grafana_foundation_sdk.models.dashboard import Dashboard

_GOOD_ABOVE = ((None, "red"), (0.9, "orange"), (0.99, "green"))
_NONE_IS_GOOD = ((None, "green"), (1e-9, "red"))
_MODELS = "gen_ai_provider_name, gen_ai_request_model"
#: Part of the time of all processors in which they had nothing to do.
_IDLE = (
    'sum by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'
    " / sum by (instance) (rate(node_cpu_seconds_total[5m]))"
)


def system_overview() -> Dashboard:
    """The code-generation service at a glance, and the machines below it."""
    job = '{job="accelerapp"}'
    requests = f"sum(rate(accelerapp_requests_total{job}[5m]))"
    failing = f"sum(rate(accelerapp_errors_total{job}[5m])) / ({requests} > 0)"
    generations = f"sum(rate(accelerapp_code_generation_total{job}[5m]))"
    failures = f"sum(rate(accelerapp_code_generation_failures_total{job}[5m]))"
    return board(
        "accelerapp-system-overview",
        "System overview",
        "The code-generation service: whether it answers, how much, how fast, and whether it succeeds.",
        number(
            "Service status",
            "Whether every instance of the code-generation service answers its scrape.",
            f"min(up{job})",
            "none",
            steps=((None, "red"), (1, "green")),
            words={"1": ("UP", "green"), "0": ("DOWN", "red")},
            nothing="NOT SCRAPED",
        ),
        number(
            "Requests in 5 minutes",
            "Requests answered in the last five minutes. The alert on errors needs at least ten.",
            f"sum(increase(accelerapp_requests_total{job}[5m]))",
            "short",
            steps=((None, "blue"),),
            decimals=0,
            curve=True,
        ),
        number(
            "Errors now",
            "The share of requests in the last five minutes that ended in a server error or an unhandled exception.",
            failing,
            "percentunit",
            steps=((None, "green"), (0.01, "yellow"), (0.05, "red")),
            decimals=1,
            curve=True,
            nothing="No requests",
        ),
        dial(
            "Generation success",
            "The share of code generations in the last five minutes that succeeded.",
            f"1 - {failures} / ({generations} > 0)",
            steps=((None, "red"), (0.9, "yellow"), (0.95, "green")),
            nothing="No generations",
        ),
        graph(
            "Request rate",
            "Requests per second, by route.",
            {"{{route}}": f"sum by (route) (rate(accelerapp_requests_total{job}[5m]))"},
            "reqps",
        ),
        graph(
            "Error rate",
            "The share of requests that ended in a server error or an unhandled exception; the alert fires above 5 %. "
            "A gap means that there were no requests.",
            {"all routes": failing},
            "percentunit",
            alert_above=0.05,
        ),
        graph(
            "Response time (p95)",
            "The time within which 95 % of requests were answered, by route, estimated from the histogram's buckets.",
            {
                "{{route}}": "histogram_quantile(0.95, sum by (le, route)"
                f" (rate(accelerapp_request_duration_seconds_bucket{job}[5m]))) >= 0"
            },
            "s",
        ),
        graph(
            "Generation rate",
            "Code generations per second, by platform and backend.",
            {
                "{{platform}} · {{backend}}": "sum by (platform, backend)"
                f" (rate(accelerapp_code_generation_total{job}[5m]))"
            },
            "ops",
        ),
        graph(
            "CPU usage",
            "Part of each machine's processors that is busy.",
            {"{{instance}}": f"1 - {_IDLE}"},
            "percentunit",
            at_most=1,
            nothing="No Node Exporter is scraped",
        ),
        graph(
            "Memory usage",
            "Part of each machine's memory that is not available.",
            {"{{instance}}": "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"},
            "percentunit",
            at_most=1,
            nothing="No Node Exporter is scraped",
        ),
        refresh="5s",
    )


def services_red() -> Dashboard:
    """Rate, errors and duration of every service and route."""
    return board(
        "services-red",
        "Services: rate, errors, duration",
        "What each route of each service is asked, what fails of it and how long it takes.",
        graph(
            "Requests by service",
            "Requests per second.",
            {"{{service}}": "sum by (service) (service_route:accelerapp_requests:rate5m)"},
            "reqps",
        ),
        graph(
            "Failing requests by service",
            "Part of the requests that ended with an error.",
            {
                "{{service}}": "sum by (service) (service_route:accelerapp_errors:rate5m)"
                " / (sum by (service) (service_route:accelerapp_requests:rate5m) > 0)"
            },
            "percentunit",
        ),
        graph(
            "Requests by route",
            "Requests per second.",
            {"{{service}} {{route}}": "service_route:accelerapp_requests:rate5m"},
            "reqps",
        ),
        graph(
            "Errors by route",
            "Errors per second.",
            {"{{service}} {{route}}": "service_route:accelerapp_errors:rate5m"},
            "ops",
        ),
        graph(
            "Duration, 95th percentile",
            "By route. A point is a request: it opens its trace.",
            {
                "{{service}} {{route}}": "histogram_quantile(0.95, sum by (le, service, route)"
                " (rate(accelerapp_request_duration_seconds_bucket[5m]))) >= 0"
            },
            "s",
            exemplars=True,
        ),
        graph(
            "Duration, median",
            "By route.",
            {
                "{{service}} {{route}}": "histogram_quantile(0.5, sum by (le, service, route)"
                " (rate(accelerapp_request_duration_seconds_bucket[5m]))) >= 0"
            },
            "s",
        ),
    )


def codegen_llm() -> Dashboard:
    """Generations, and the model that they need."""
    rate = "sum(rate(accelerapp_code_generation_total[5m]))"
    failures = "sum(rate(accelerapp_code_generation_failures_total[5m]))"
    return board(
        "codegen-llm",
        "Code generation and LLM",
        "Generations by platform and backend, and the calls and tokens of each model.",
        number("Generations", "Per second, over five minutes.", rate, "ops", span=8),
        number(
            "Success",
            "Part of the generations that succeeded, over five minutes.",
            f"1 - {failures} / ({rate} > 0)",
            "percentunit",
            span=8,
            steps=_GOOD_ABOVE,
            nothing="no generations",
        ),
        number(
            "Model answers",
            "Whether the probe of the model's server succeeds.",
            'min(probe_success{job="ollama"})',
            "none",
            span=8,
            steps=((None, "red"), (1, "green")),
            nothing="not probed",
        ),
        graph(
            "Generations by platform and backend",
            "Per second.",
            {
                "{{platform}} · {{backend}}": "sum by (platform, backend)"
                " (rate(accelerapp_code_generation_total[5m]))"
            },
            "ops",
        ),
        graph(
            "Failed generations",
            "Per second, by reason.",
            {"{{reason}}": "sum by (reason) (rate(accelerapp_code_generation_failures_total[5m]))"},
            "ops",
        ),
        graph(
            "Duration of calls, 95th percentile",
            "By model. A point is a call: it opens its trace.",
            {
                "{{gen_ai_request_model}}": f"histogram_quantile(0.95, sum by (le, {_MODELS})"
                " (rate(gen_ai_client_operation_duration_seconds_bucket[5m]))) >= 0"
            },
            "s",
            exemplars=True,
            span=8,
            nothing="No calls of a model",
        ),
        graph(
            "Time to first token, 95th percentile",
            "By model: from the request until the answer begins. A point is a call: it opens its trace.",
            {
                "{{gen_ai_request_model}}": f"histogram_quantile(0.95, sum by (le, {_MODELS})"
                " (rate(gen_ai_client_operation_time_to_first_chunk_seconds_bucket[5m]))) >= 0"
            },
            "s",
            exemplars=True,
            span=8,
            nothing="No calls of a model",
        ),
        graph(
            "Tokens",
            "Per second, by model and kind.",
            {
                "{{gen_ai_request_model}} {{gen_ai_token_type}}": f"sum by ({_MODELS}, gen_ai_token_type)"
                " (rate(gen_ai_client_token_usage_sum[5m]))"
            },
            "short",
            span=8,
            nothing="No calls of a model",
        ),
    )


def resource_use() -> Dashboard:
    """The machines, by Node Exporter."""
    return board(
        "resource-use",
        "Resource use",
        "Processors, memory, file systems, disks and network of every machine with a Node Exporter.",
        graph(
            "Processors in use",
            "Part of all processors.",
            {"{{instance}}": f"1 - {_IDLE}"},
            "percentunit",
            at_most=1,
        ),
        graph(
            "Memory in use",
            "Part of the memory that is not available.",
            {"{{instance}}": "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"},
            "percentunit",
            at_most=1,
        ),
        graph(
            "File systems in use",
            "Part that is not available, without those in memory and images, which are always full.",
            {
                "{{instance}} {{mountpoint}}": "1 - node_filesystem_avail_bytes"
                '{fstype!~"tmpfs|squashfs|iso9660|ramfs|overlay"}'
                ' / (node_filesystem_size_bytes{fstype!~"tmpfs|squashfs|iso9660|ramfs|overlay"} > 0)'
            },
            "percentunit",
            at_most=1,
        ),
        graph(
            "Load by processor",
            "The load of one minute by processor: above 1 work waits.",
            {
                "{{instance}}": "node_load1 / on (instance, job)"
                ' count by (instance, job) (node_cpu_seconds_total{mode="idle"})'
            },
            "short",
        ),
        graph(
            "Network",
            "Bytes per second, without the loopback.",
            {
                "{{instance}} in": "sum by (instance)"
                ' (rate(node_network_receive_bytes_total{device!="lo"}[5m]))',
                "{{instance}} out": "sum by (instance)"
                ' (rate(node_network_transmit_bytes_total{device!="lo"}[5m]))',
            },
            "Bps",
            nothing="Not seen from within Compose",
        ),
        graph(
            "Disks busy",
            "Part of the time in which a disk had something to do.",
            {"{{instance}} {{device}}": "rate(node_disk_io_time_seconds_total[5m])"},
            "percentunit",
            nothing="No disks",
        ),
    )


def slos() -> Dashboard:
    """Objectives: what is left of their budgets, and how fast it burns."""
    return board(
        "slos",
        "Service level objectives",
        "How much of what may fail has failed. At a burn rate of 1 the budget lasts just as long as its window.",
        *(
            number(
                f"{title}: budget left",
                "Of the last three days.",
                f'1 - slo:burn_rate:ratio_rate3d{{slo="{name}"}}',
                "percentunit",
                span=8,
                steps=((None, "red"), (0, "orange"), (0.5, "green")),
                nothing="no requests",
            )
            for name, title in _OBJECTIVES.items()
        ),
        graph(
            "Burn rate over an hour",
            "14.4 spends a month's budget in two days.",
            {"{{service}} {{slo}}": "slo:burn_rate:ratio_rate1h"},
            "short",
        ),
        graph(
            "Burn rate over six hours",
            "6 spends a month's budget in five days.",
            {"{{service}} {{slo}}": "slo:burn_rate:ratio_rate6h"},
            "short",
        ),
        graph(
            "Failing, over five minutes",
            "Part of the requests that missed the objective.",
            {"{{service}} {{slo}}": "slo:sli_error:ratio_rate5m"},
            "percentunit",
        ),
        graph(
            "Failing, over three days",
            "Part of the requests that missed the objective.",
            {"{{service}} {{slo}}": "slo:sli_error:ratio_rate3d"},
            "percentunit",
        ),
    )


_OBJECTIVES = {
    "availability": "Availability",
    "latency": "Latency",
    "generation-latency": "Generation",
}


def stack() -> Dashboard:
    """The observability stack itself."""
    return board(
        "stack",
        "The stack itself",
        "Whether every part of the stack is scraped, answers, and loses nothing.",
        number(
            "Parts that are not scraped",
            "Targets whose scrape fails.",
            'count(up{job!~"accelerapp|kubernetes-.+"} == 0)',
            "none",
            span=8,
            steps=_NONE_IS_GOOD,
            nothing="none",
        ),
        number(
            "Probes that fail",
            "Parts without metrics of their own that do not answer.",
            "count(probe_success == 0)",
            "none",
            span=8,
            steps=_NONE_IS_GOOD,
            nothing="none",
        ),
        number(
            "Telemetry problems",
            "What TelemetryPipelineDown counts, all kinds together.",
            "count(service:telemetry_problem:current)",
            "none",
            span=8,
            steps=_NONE_IS_GOOD,
            nothing="none",
        ),
        graph("Scraped", "1 where the last scrape succeeded.", {"{{job}} {{instance}}": "up"}, "none"),
        graph(
            "Samples",
            "Per second, into Prometheus' head.",
            {"{{instance}}": "rate(prometheus_tsdb_head_samples_appended_total[5m])"},
            "short",
        ),
        graph("Series", "In Prometheus' head.", {"{{instance}}": "prometheus_tsdb_head_series"}, "short"),
        graph(
            "Notifications",
            "Per second, by receiver's kind.",
            {
                "{{integration}} sent": "sum by (integration) (rate(alertmanager_notifications_total[5m]))",
                "{{integration}} failed": "sum by (integration)"
                " (rate(alertmanager_notifications_failed_total[5m]))",
            },
            "ops",
        ),
        graph(
            "Collector: spans",
            "Per second: taken, refused, sent on, failed to be sent.",
            {
                "accepted": "sum(rate(otelcol_receiver_accepted_spans[5m]))",
                "refused": "sum(rate(otelcol_receiver_refused_spans[5m]))",
                "sent": "sum(rate(otelcol_exporter_sent_spans[5m]))",
                "failed": "sum(rate(otelcol_exporter_send_failed_spans[5m]))",
            },
            "ops",
            nothing="No collector",
        ),
        graph(
            "Collector: queues",
            "Part of each exporter's queue that is full.",
            {"{{exporter}}": "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity"},
            "percentunit",
            at_most=1,
            nothing="No collector",
        ),
        graph(
            "Dropped by applications",
            "Per second: what an application could not send.",
            {
                "{{service}} {{signal}}": "sum by (service, signal) (rate(accelerapp_telemetry_dropped_total[5m]))"
            },
            "ops",
            nothing="Nothing dropped",
        ),
        graph(
            "Rule evaluation",
            "Seconds that each group's last evaluation took.",
            {"{{rule_group}}": "prometheus_rule_group_last_duration_seconds"},
            "s",
        ),
    )


ALL = (system_overview, services_red, codegen_llm, resource_use, slos, stack)
