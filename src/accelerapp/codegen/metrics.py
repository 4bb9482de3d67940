"""The metrics of code generation and of the calls of the model; names and labels are a contract."""

from __future__ import annotations

from collections.abc import Iterable

from accelerapp.monitoring import MetricsCollector

#: Why a generation failed, as values of the label `reason`.
REASONS = (
    "unreachable",
    "timeout",
    "http_status",
    "malformed_response",
    "model_error",
    "invalid_code",
    "invalid_pins",
    "internal",
)

# The boundaries that OpenTelemetry's semantic conventions for generative AI advise.
TOKEN_BUCKETS = tuple(float(4**power) for power in range(14))
DURATION_BUCKETS = tuple(0.01 * 2**power for power in range(14))

OPERATION = "chat"
PROVIDER = "ollama"


class GenerationMetrics:
    """Counts generations; every child exists at 0 from the start, so that `rate` sees the first failure."""

    def __init__(self, metrics: MetricsCollector, platforms: Iterable[str], backends: Iterable[str]) -> None:
        self._total = metrics.counter(
            "code_generation_total", "Code generations, failed ones included.", ("platform", "backend")
        )
        self._failures = metrics.counter(
            "code_generation_failures_total",
            "Code generations that failed.",
            ("platform", "backend", "reason"),
        )
        self._fallbacks = metrics.counter(
            "code_generation_fallbacks_total",
            "Generations that a backend failed at and the templates did instead.",
            ("platform", "backend", "reason"),
        )
        names = tuple(backends)
        for platform in platforms:
            for backend in names:
                self._total.labels(platform=platform, backend=backend)
                for reason in REASONS:
                    self._failures.labels(platform=platform, backend=backend, reason=reason)

    def succeeded(self, platform: str, backend: str) -> None:
        self._total.labels(platform=platform, backend=backend).inc()

    def fell_back(self, platform: str, backend: str, reason: str) -> None:
        self._fallbacks.labels(platform=platform, backend=backend, reason=reason).inc()

    def failed(self, platform: str, backend: str, reason: str) -> None:
        # Failures first: a scrape in between must not see a success that was none.
        self._failures.labels(platform=platform, backend=backend, reason=reason).inc()
        self._total.labels(platform=platform, backend=backend).inc()


class ModelMetrics:
    """How many tokens each model takes and makes, how long a call lasts, and when its answer begins.

    OpenTelemetry's `gen_ai.client.token.usage`, `gen_ai.client.operation.duration` and
    `gen_ai.client.operation.time_to_first_chunk`, with the names and attributes as Prometheus writes them.
    """

    def __init__(self, metrics: MetricsCollector, model: str) -> None:
        self._common = {
            "gen_ai_operation_name": OPERATION,
            "gen_ai_provider_name": PROVIDER,
            "gen_ai_request_model": model,
        }
        self._tokens = metrics.histogram(
            "gen_ai_client_token_usage",
            "Number of input and output tokens used.",
            (*self._common, "gen_ai_token_type"),
            buckets=TOKEN_BUCKETS,
            namespace="",
        )
        self._duration = metrics.histogram(
            "gen_ai_client_operation_duration_seconds",
            "GenAI operation duration.",
            (*self._common, "error_type"),
            buckets=DURATION_BUCKETS,
            namespace="",
        )
        self._first_chunk = metrics.histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "Time from the request until the first chunk of the answer.",
            tuple(self._common),
            buckets=DURATION_BUCKETS,
            namespace="",
        )
        self._retries = metrics.counter(
            "model_retries_total", "Calls of the model that were made again, by why.", ("reason",)
        )
        for reason in ("unreachable", "http_status"):
            self._retries.labels(reason=reason)
        for kind in ("input", "output"):
            self._tokens.labels(**self._common, gen_ai_token_type=kind)
        self._first_chunk.labels(**self._common)
        self._duration.labels(**self._common, error_type="")

    def used(self, input_tokens: int, output_tokens: int) -> None:
        for kind, tokens in (("input", input_tokens), ("output", output_tokens)):
            self._tokens.labels(**self._common, gen_ai_token_type=kind).observe(tokens)

    def took(self, seconds: float, error_type: str = "") -> None:
        self._duration.labels(**self._common, error_type=error_type).observe(seconds)

    def began(self, seconds: float) -> None:
        """Take the time that a call waited for its answer to begin."""
        self._first_chunk.labels(**self._common).observe(seconds)

    def again(self, reason: str) -> None:
        """Take that a call is made again."""
        self._retries.labels(reason=reason).inc()
