"""One id for each request, in the answer and in every line that the request logs."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

request_id: ContextVar[str] = ContextVar("request_id", default="-")

# Only what is safe to print: a caller's id goes into our logs as it is.
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Takes `X-Request-ID` from the caller when it is sane, makes one otherwise, and returns it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        token = request_id.set(given if SANE_ID.fullmatch(given) else uuid.uuid4().hex)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            milliseconds = 1000 * (time.perf_counter() - started)
            # The full path is percent-encoded again, so a line break in it cannot forge a line.
            target = f"{request.method} {request.get_full_path()}"
            facts = {"status": response.status_code, "milliseconds": round(milliseconds, 1)}
            logger.info("%s %d %.1f ms", target, *facts.values(), extra=facts)
            return response
        finally:
            request_id.reset(token)


class RequestIdFilter(logging.Filter):
    """Gives every log record the `request_id` of the request that it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True
