"""Prometheus metrics of this application."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Telemetry:
    """Counts what was served; one registry for each application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "agentmail_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "agentmail_http_request_seconds",
            "Time to the first byte of a reply.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._streams = Gauge(
            "agentmail_event_streams", "Open event streams.", registry=self._registry
        )
        self._backlog = Gauge(
            "agentmail_outbox_open_jobs", "Jobs not done yet.", ("kind",), registry=self._registry
        )
        self._buried = Gauge(
            "agentmail_outbox_buried_jobs", "Jobs given up.", ("kind",), registry=self._registry
        )
        self._searches = Histogram(
            "agentmail_search_seconds",
            "Time to find the threads of a search, by the engine that answered.",
            ("engine",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._index_backlog = Gauge(
            "agentmail_search_index_backlog",
            "Messages not yet in the vector index.",
            registry=self._registry,
        )
        self._index_lag = Gauge(
            "agentmail_search_index_lag_seconds",
            "Age of the oldest message not yet in the vector index.",
            registry=self._registry,
        )
        self._by_meaning = Gauge(
            "agentmail_search_by_meaning",
            "1 while search by meaning answers, 0 while words alone do.",
            registry=self._registry,
        )

    def served(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one reply; `path` is the route's pattern."""
        self._requests.labels(method, path, str(status)).inc()
        self._seconds.labels(method, path).observe(seconds)

    def searched(self, engine: str, seconds: float) -> None:
        """Count one search."""
        self._searches.labels(engine).observe(seconds)

    def stream_opened(self) -> None:
        """Count an event stream that began."""
        self._streams.inc()

    def stream_closed(self) -> None:
        """Count an event stream that ended."""
        self._streams.dec()

    def index(self, backlog: int, lag_seconds: float, by_meaning: bool) -> None:
        """Note how the vector index is."""
        self._index_backlog.set(backlog)
        self._index_lag.set(lag_seconds)
        self._by_meaning.set(by_meaning)

    def text(self, backlog: Mapping[str, int], buried: Mapping[str, int]) -> bytes:
        """Return everything in Prometheus' text format, with the outbox as it is now."""
        for gauge, counts in ((self._backlog, backlog), (self._buried, buried)):
            gauge.clear()
            for kind, jobs in counts.items():
                gauge.labels(kind).set(jobs)
        return generate_latest(self._registry)
