"""One trace of a request, its SQL, its calls of Redis, and the jobs that it has asked for."""

from contextvars import ContextVar, Token
from typing import Any

from celery.signals import after_task_publish, before_task_publish, worker_process_shutdown
from django.conf import settings
from django.db.models.signals import pre_save
from django.http import HttpRequest
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, set_tracer_provider

from config.middleware import request_id

# What is asked every few seconds by machines.
PROBES = "://[^/]+/(healthz|readyz|metrics)$"

provider = TracerProvider()
sending: ContextVar[Token[Context]] = ContextVar("sending")


def record() -> None:
    """Records spans from now on, and sends them to the OTLP endpoint (HTTP, protobuf)."""
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    set_tracer_provider(provider)
    DjangoInstrumentor().instrument(
        excluded_urls=PROBES,
        # Inside of the one that knows the request's id, and that answers what this one refuses.
        middleware_position=settings.MIDDLEWARE.index("config.middleware.RequestIdMiddleware") + 1,
        request_hook=name_request,
    )
    PsycopgInstrumentor().instrument()
    RedisInstrumentor().instrument()
    pre_save.connect(take_along, sender="outbox.Message")
    # Around Celery's own span of the sending.
    before_task_publish.connect(resume)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    after_task_publish.connect(leave)
    worker_process_shutdown.connect(send_rest)


def name_request(span: Span, request: HttpRequest) -> None:
    """Whoever has the id of a request, from an answer or a log, finds its trace by it."""
    span.set_attribute("request_id", request_id.get())


def take_along(instance: Any, **kwargs: Any) -> None:
    """A message keeps the place in the trace from which it comes (W3C Trace Context)."""
    if instance._state.adding:
        inject(instance.headers)


def resume(headers: dict[str, Any], **kwargs: Any) -> None:
    """A message is sent in the trace that it comes from, and not in that of whoever sends it."""
    sending.set(attach(extract(headers)))


def leave(**kwargs: Any) -> None:
    detach(sending.get())


def send_rest(**kwargs: Any) -> None:
    """A child of a worker ends without the functions of `atexit`."""
    provider.shutdown()
