"""The counts of a server, in the text format of Prometheus.

Apart from the service, which need not know the names of the series.
"""

from collections.abc import Callable
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from padimkit.inspection.inspection import Inspection

TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


@final
class Metrics:
    """The series of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "padimkit_requests", "Answers to /predict, by status.", ["status"], registry=self._registry
        )
        self._refusals = Counter(
            "padimkit_refusals",
            "Requests to no address, by another method, or by a name that is not the server's, by status.",
            ["status"],
            registry=self._registry,
        )
        self._verdicts = Counter(
            "padimkit_verdicts", "Verdicts by model.", ["model", "verdict"], registry=self._registry
        )
        self._seconds = Histogram(
            "padimkit_request_seconds",
            "Time from request to answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "padimkit_batch_images",
            "Images that were scored together.",
            buckets=_SIZES,
            registry=self._registry,
        )
        self.accepted = Gauge(
            "padimkit_accepted_requests",
            "Requests that are received or answered now.",
            registry=self._registry,
        )
        self._waiting = Gauge(
            "padimkit_waiting_images", "Images that wait to be scored.", registry=self._registry
        )

    def watch(self, waiting: Callable[[], float]) -> None:
        """Let the number of images that wait to be scored be asked for."""
        self._waiting.set_function(waiting)

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def refused(self, status: int) -> None:
        """Count an answer to what no address takes, such as 404 and 405."""
        self._refusals.labels(str(status)).inc()

    def judged(self, model: str, inspection: Inspection) -> None:
        """Count a verdict."""
        self._verdicts.labels(model, inspection.verdict.value).inc()

    def scored(self, images: int) -> None:
        """Count a batch."""
        self._batches.observe(images)

    def text(self) -> bytes:
        """Return all series."""
        return generate_latest(self._registry)
