"""The gateway's figures for Prometheus: requests by route, and what the relay has delivered."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from activities.runtime import metrics
from starter.relay import Relay

#: From what a journal entry takes to what a caller still waits for.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One gateway's figures, in a registry of its own."""

    def __init__(self, relay: Relay) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_RelayFigures(relay))
        for counter in (metrics.REFUSED_CALLS, metrics.CLOCK_APART, metrics.DUPLICATE_SENDS):
            self._registry.register(counter)  # of this process, too: vendors' calls are verified and settled here
        self._requests = Counter(
            "orders_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "orders_http_request_seconds",
            "Time to answer a request.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self._registry,
        )

    def request(self, scope: Scope, *, status: int, seconds: float) -> None:
        """Count one request. Its route is the template, so that numbers of orders make no series of their own."""
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class _RelayFigures(Collector):
    """Reads the relay's counters when Prometheus asks."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def collect(self) -> Iterable[Metric]:
        figures = self._relay.figures
        yield CounterMetricFamily("orders_relay_delivered", "Events handed to Temporal.", figures.delivered)
        yield CounterMetricFamily("orders_relay_refused", "Deliveries that Temporal refused.", figures.refused)
        yield GaugeMetricFamily("orders_relay_down", "1 while Temporal or the store is down.", int(figures.is_down))
