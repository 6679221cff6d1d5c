"""Every error of the service, in one format: `application/problem+json` (RFC 9457)."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

logger = logging.getLogger(__name__)

# RFC 9112 §3.2.2: what a client asks for may be a whole URL. Django takes it for a path.
WHOLE_URL = re.compile(r"https?://[^/]+(/.*)", re.IGNORECASE)


@dataclass(eq=False)
class Problem(Exception):
    """An answer with an error status; `errors` maps names of fields or parameters to messages."""

    status: int
    detail: str
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Conflict(Exception):
    """409: the request is sound, but the state of the resource forbids it."""


def problem_for(exception: Exception) -> Problem:
    """The problem that tells a client about `exception`, without telling it our insides."""
    match exception:
        case Problem():
            return exception
        case Conflict():
            return Problem(409, str(exception))
        case ObjectDoesNotExist():
            return Problem(404, "There is nothing here.")
        case RequestDataTooBig():
            return Problem(413, "The body is larger than 1 MiB.")
        case SuspiciousOperation() | UnreadablePostError() | MultiPartParserError():
            return Problem(400, "The request cannot be understood.")
        case DataError():
            # What no column can hold, such as a NUL, where no validation has looked.
            logger.error("database: %s", exception)
            return Problem(400, "The request cannot be understood.")
        case OperationalError():
            # No connection to be had, or a statement or a lock that took too long.
            logger.error("database: %s", exception)
            return Problem(503, "The database is busy. Try again.", headers={"Retry-After": "1"})
        case _:
            logger.error("unhandled exception", exc_info=exception)
            return Problem(500, "An error on our side; the log has it under this X-Request-ID.")


def problem_response(problem: Problem) -> JsonResponse:
    content = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        content["errors"] = problem.errors
    media_type = "application/problem+json"
    return JsonResponse(
        content, status=problem.status, content_type=media_type, headers=problem.headers
    )


class ProblemMiddleware:
    """Turns whatever a view raises into a problem, with or without DEBUG."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/"):
            url = WHOLE_URL.fullmatch(request.path_info)
            if url is None:
                return problem_response(Problem(400, "What is asked for is no path."))
            request.path = request.path_info = url[1]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        return problem_response(problem_for(exception))
