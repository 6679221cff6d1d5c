"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names who takes them."""

import os
from typing import Any

from celery.signals import worker_process_init


def start() -> None:
    """Traces this process from now on; to be called before Django reads MIDDLEWARE."""
    from config.settings import env  # which knows .env too

    if env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default=""):
        from config import spans

        spans.record()


@worker_process_init.connect
def start_worker(**kwargs: Any) -> None:
    """Traces the jobs of requests that are traced, and nothing else that a worker does.

    By itself it would begin two traces a second: each look into the outbox would be one. Not before
    the fork, which the thread that sends them would not outlive.
    """
    os.environ["OTEL_TRACES_SAMPLER"] = "parentbased_always_off"
    start()
