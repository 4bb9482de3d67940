/** What to paste to send telemetry here, with the ports that are really open. */

/** Where this observatory can be reached, as the reader's browser reaches it. */
export interface Place {
  host: string;
  /** By receiver, as the status names them; a receiver that is off is not there. */
  ports: Readonly<Record<string, number | null>>;
  /** The folder of the reader's own targets; "" where it is not known. */
  targetsDir: string;
  /** The Python that the observatory runs with; "" where it is not known. */
  python: string;
}

export interface Snippet {
  /** Unique within the page. */
  id: string;
  title: string;
  /** What to know before pasting it, in plain text. */
  note?: string;
  text: string;
  /** The receiver whose port it needs; none for what is scraped. */
  receiver?: string;
}

export interface Way {
  id: string;
  title: string;
  snippets: Snippet[];
}

/** The port that a receiver has where nothing else was said, shown for one that is off. */
const USUAL: Readonly<Record<string, number>> = {
  otlp_http: 4318,
  otlp_grpc: 4317,
  zipkin: 9411,
  jaeger: 14268,
  logstash_tcp: 5000,
  logstash_http: 8080,
  beats: 5044,
};

/** Returns the port of a receiver; null where it is off. */
export function openPort(place: Place, receiver: string): number | null {
  return place.ports[receiver] ?? null;
}

export function ways(place: Place): Way[] {
  // A browser has an address of IPv6 in brackets, as URLs need it and nothing else does.
  const host = place.host.replace(/^\[(.*)\]$/, "$1");
  const inUrl = host.includes(":") ? `[${host}]` : host;
  const port = (receiver: string): number => openPort(place, receiver) ?? USUAL[receiver] ?? 0;
  const otlp = `http://${inUrl}:${String(port("otlp_http"))}`;
  const grpc = `http://${inUrl}:${String(port("otlp_grpc"))}`;
  return [
    { id: "curl", title: "curl", snippets: curl(inUrl, otlp, port) },
    { id: "python", title: "Python", snippets: python(otlp, place.python) },
    { id: "otel", title: "OpenTelemetry", snippets: openTelemetry(otlp, grpc) },
    { id: "logstash", title: "Logstash and Beats", snippets: logstash(host, inUrl, port) },
    { id: "prometheus", title: "Prometheus clients", snippets: prometheus(place) },
  ];
}

function curl(host: string, otlp: string, port: (receiver: string) => number): Snippet[] {
  return [
    {
      id: "curl-span",
      title: "A span",
      receiver: "otlp_http",
      text: `now=$(date +%s)
trace=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')
span=$(printf %.16s "$trace")
curl --fail --silent --show-error ${otlp}/v1/traces \\
  --header 'Content-Type: application/json' --data '{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
  "scopeSpans": [{"spans": [{"traceId": "'$trace'", "spanId": "'$span'", "name": "place order", "kind": 2,
    "startTimeUnixNano": "'$now'000000000", "endTimeUnixNano": "'$now'250000000"}]}]}]}'`,
    },
    {
      id: "curl-line",
      title: "A log line, by OTLP",
      receiver: "otlp_http",
      text: `curl --fail --silent --show-error ${otlp}/v1/logs \\
  --header 'Content-Type: application/json' --data '{"resourceLogs": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
  "scopeLogs": [{"logRecords": [{"timeUnixNano": "'$(date +%s)'000000000", "severityNumber": 13,
    "severityText": "WARN", "body": {"stringValue": "sold out"}}]}]}]}'`,
    },
    {
      id: "curl-sample",
      title: "A sample, by OTLP",
      receiver: "otlp_http",
      text: `curl --fail --silent --show-error ${otlp}/v1/metrics \\
  --header 'Content-Type: application/json' --data '{"resourceMetrics": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
  "scopeMetrics": [{"metrics": [{"name": "orders.open", "gauge": {"dataPoints": [
    {"timeUnixNano": "'$(date +%s)'000000000", "asDouble": 3}]}}]}]}]}'`,
    },
    {
      id: "curl-logstash",
      title: "A log line, as to Logstash over HTTP",
      receiver: "logstash_http",
      text: `curl --fail --silent --show-error http://${host}:${String(port("logstash_http"))} \\
  --header 'Content-Type: application/json' --data '{"service": "shop", "level": "warning", "message": "sold out"}'`,
    },
  ];
}

function python(otlp: string, executable: string): Snippet[] {
  // It is there wherever the observatory is.
  const installed =
    executable === ""
      ? "The observatory's own Python has it."
      : `This observatory's own Python has it: ${executable}`;
  return [
    {
      id: "python-own",
      title: "With this project's library: spans and log lines",
      note: installed,
      receiver: "otlp_http",
      text: `from accelerapp.monitoring import get_logger
from accelerapp.observability import setup_observability, trace_block

handle = setup_observability(service_name="shop", otlp_endpoint="${otlp}")
with trace_block("place order"):
    get_logger("shop").warning("sold out")
handle.shutdown()`,
    },
    {
      id: "python-metrics",
      title: "And its metrics, to be scraped",
      note: `${installed}. Serves http://127.0.0.1:8000/metrics; see Prometheus clients for the target.`,
      text: `import time

from accelerapp.monitoring import get_metrics
from accelerapp.observability import setup_metrics_export

orders = get_metrics().counter("orders_total", "Orders placed.", labelnames=("item",))
setup_metrics_export(port=8000)
while True:
    orders.labels(item="tea").inc()
    time.sleep(1)`,
    },
  ];
}

function openTelemetry(otlp: string, grpc: string): Snippet[] {
  return [
    {
      id: "otel-http",
      title: "Any SDK, in any language: three variables",
      note: "Metrics are sent every minute, and when the program ends.",
      receiver: "otlp_http",
      text: `export OTEL_EXPORTER_OTLP_ENDPOINT=${otlp}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_SERVICE_NAME=shop`,
    },
    {
      id: "otel-grpc",
      title: "The same over gRPC",
      receiver: "otlp_grpc",
      text: `export OTEL_EXPORTER_OTLP_ENDPOINT=${grpc}
export OTEL_EXPORTER_OTLP_PROTOCOL=grpc
export OTEL_SERVICE_NAME=shop`,
    },
    {
      id: "otel-python",
      title: "Python, without a change of the program",
      note: "With the variables above.",
      text: `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap --action=install
opentelemetry-instrument --logs_exporter otlp python app.py`,
    },
    {
      id: "otel-node",
      title: "Node, without a change of the program",
      note: "With the variables above. Where app.js has import in the place of require, put --experimental-loader=@opentelemetry/instrumentation/hook.mjs before --require, else what it imports is not seen.",
      text: `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    },
    {
      id: "otel-java",
      title: "Java, without a change of the program",
      note: "With the variables above.",
      text: `curl --fail --location --remote-name https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar
java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
    },
    {
      id: "otel-go",
      title: "Go",
      note: "With the variables above. As main.go in a folder of its own: go mod init shop && go mod tidy && go run .",
      text: `package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	defer provider.Shutdown(ctx)
	otel.SetTracerProvider(provider)

	_, span := otel.Tracer("shop").Start(ctx, "place order")
	span.End()
}`,
    },
  ];
}

function logstash(host: string, inUrl: string, port: (receiver: string) => number): Snippet[] {
  return [
    {
      id: "logstash-python",
      title: "Python's logging",
      note: "pip install python-logstash-async",
      receiver: "logstash_tcp",
      text: `import logging

from logstash_async.formatter import LogstashFormatter
from logstash_async.handler import AsynchronousLogstashHandler

handler = AsynchronousLogstashHandler("${host}", ${String(port("logstash_tcp"))}, database_path=None)
handler.setFormatter(LogstashFormatter(extra={"service": "shop"}, extra_prefix=None))
logger = logging.getLogger("shop")
logger.addHandler(handler)
logger.warning("sold out")
handler.close()`,
    },
    {
      id: "logstash-tcp",
      title: "One JSON object a line, over TCP",
      receiver: "logstash_tcp",
      text: `echo '{"service": "shop", "level": "warning", "message": "sold out"}' | nc -w 1 ${host} ${String(port("logstash_tcp"))}`,
    },
    {
      id: "logstash-output",
      title: "Logstash itself, as an output of its pipeline",
      note: "An event is of the service in its field service, or service.name.",
      receiver: "logstash_tcp",
      text: `output {
  tcp { host => "${host}" port => ${String(port("logstash_tcp"))} codec => json_lines }
}`,
    },
    {
      id: "filebeat",
      title: "Filebeat and the other Beats",
      note: "In filebeat.yml, in the place of output.elasticsearch: a Beat has one output.",
      receiver: "beats",
      text: `output.logstash:
  hosts: ["${inUrl}:${String(port("beats"))}"]`,
    },
  ];
}

function prometheus(place: Place): Snippet[] {
  const folder = place.targetsDir === "" ? "~/.config/accelerapp/targets.d" : place.targetsDir;
  return [
    {
      id: "prometheus-target",
      title: "A target to be scraped",
      note: "Looked at every second: nothing needs to be reloaded.",
      text: `mkdir -p ${quoted(folder)}
cat > ${quoted(`${folder}/shop.yml`)} <<'EOF'
- targets: [localhost:8000]
  labels:
    job: shop
    service: shop
EOF`,
    },
    {
      id: "prometheus-client",
      title: "Something to scrape, with Prometheus' client for Python",
      note: "pip install prometheus-client",
      text: `import time

from prometheus_client import Counter, start_http_server

orders = Counter("orders", "Orders placed.", ["item"])
start_http_server(8000, addr="127.0.0.1")
while True:
    orders.labels("tea").inc()
    time.sleep(1)`,
    },
  ];
}

/** A path as a shell takes it; one that begins with ~ is left to the shell. */
function quoted(path: string): string {
  return /^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
