"""What Prometheus scrapes: requests, their queries, jobs by outcome, and what waits to be done."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from celery.signals import task_postrun, worker_ready
from django.db import OperationalError, connection
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

requests = Histogram(
    "http_request_seconds", "Time until the answer.", ["method", "route", "status"]
)
# How many answers took no SQL at all, because a cache had them, is the first of the buckets.
queries = Histogram(
    "http_request_queries", "SQL statements of a request.", ["route"], buckets=(0, 1, 2, 4, 8, 16)
)
jobs = Counter("jobs", "Runs of jobs by how they ended.", ["task", "state"])


class MetricsMiddleware:
    """Measures every request; to be the outermost, so that it counts what the others do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started, statements = time.perf_counter(), 0

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal statements
            statements += 1
            return execute(*args)

        with connection.execute_wrapper(count):
            response = self.get_response(request)
        # Labels come from sets that we know: a label for each path, or for each method that
        # somebody makes up, would fill the memory of all who keep the series.
        method = request.method if request.method in METHODS else "other"
        route = request.resolver_match.route if request.resolver_match else "none"
        seconds = time.perf_counter() - started
        requests.labels(method, route, response.status_code).observe(seconds)
        # A request that is refused or sent elsewhere takes no SQL either, and no cache had it.
        if response.status_code < 300 or response.status_code == 304:
            queries.labels(route).observe(statements)
        return response


class Outbox(Collector):
    """Jobs that nobody has begun, and jobs that were given up, looked up at each scrape."""

    def collect(self) -> Iterator[Metric]:
        from outbox.models import Message  # once the apps are there

        # One that was begun may take its time: a long export, a mail that is asked for again later.
        waiting = Message.objects.filter(failed_at=None, attempts=0)
        oldest = waiting.aggregate(oldest=Min("created_at"))["oldest"]
        seconds = (now() - oldest).total_seconds() if oldest else 0
        help_text = "Age of the job that has waited longest to be begun."
        yield GaugeMetricFamily("outbox_oldest_seconds", help_text, value=seconds)
        dead = Message.objects.dead().count()
        yield GaugeMetricFamily("outbox_dead", "Jobs that were given up.", value=dead)


def view(request: HttpRequest) -> HttpResponse:
    outbox = CollectorRegistry()
    outbox.register(Outbox())
    text = generate_latest(processes())
    with suppress(OperationalError):
        # What the database would have said is missing then, and that is an alert of its own.
        text += generate_latest(outbox)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def processes() -> CollectorRegistry:
    """The metrics of all processes of this container, where there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    collected = CollectorRegistry()
    MultiProcessCollector(collected)  # type: ignore[no-untyped-call]
    return collected


@task_postrun.connect
def count_job(task: Any, state: str, **kwargs: Any) -> None:
    jobs.labels(task.name, state).inc()


@worker_ready.connect
def serve(**kwargs: Any) -> None:
    """A worker speaks no HTTP but this, on METRICS_PORT."""
    if port := os.environ.get("METRICS_PORT"):
        start_http_server(int(port), registry=processes())
