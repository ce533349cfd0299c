"""Metrics as declared data, and the making of them on a registry that is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

#: A label value for what is not among those known at the start: labels stay bounded whatever comes.
OTHER = "other"


@dataclass(frozen=True)
class Metric:
    """One metric. `labels`: names of its labels; `buckets`: upper bounds of a histogram, in the metric's unit."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which it stands in what is scraped."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


class Instruments:
    """The metrics of one process, each made once however many roles speak of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._made: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, metric: Metric) -> Counter:
        """The counter; `_total` stands in the metric's name."""
        made = self._made.get(metric.name)
        if made is None:
            made = Counter(metric.name, metric.meaning, metric.labels, registry=self.registry)
            self._made[metric.name] = made
        assert isinstance(made, Counter)
        return made

    def gauge(self, metric: Metric) -> Gauge:
        """The gauge."""
        made = self._made.get(metric.name)
        if made is None:
            made = Gauge(metric.name, metric.meaning, metric.labels, registry=self.registry)
            self._made[metric.name] = made
        assert isinstance(made, Gauge)
        return made

    def histogram(self, metric: Metric) -> Histogram:
        """The histogram."""
        made = self._made.get(metric.name)
        if made is None:
            made = Histogram(
                metric.name, metric.meaning, metric.labels, registry=self.registry, buckets=metric.buckets
            )
            self._made[metric.name] = made
        assert isinstance(made, Histogram)
        return made


class _WithoutCreated(Collector):
    """The families of a registry without the series that say when each series began: nobody asks for them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Family]:
        for family in self._registry.collect():
            if family.type in ("counter", "histogram"):
                family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family


def scraped(registry: CollectorRegistry, accept: str = "") -> tuple[bytes, str]:
    """What a scrape gets, and its content type. `accept`: the header of the request."""
    encode, content_type = choose_encoder(accept)
    return encode(_WithoutCreated(registry)), content_type


class Bounded:
    """The label values of one label, known from the start; others are told as "other"."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = tuple(dict.fromkeys([*values, OTHER]))
        self._known = frozenset(self.values)

    def __call__(self, value: str) -> str:
        return value if value in self._known else OTHER


def at_scrape(gauge: Gauge, value: Callable[[], float]) -> None:
    """Have the gauge ask for its value whenever it is scraped."""
    gauge.set_function(value)
