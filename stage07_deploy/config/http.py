"""What HTTP asks of every resource: methods, media types, bodies, entity tags (RFC 9110)."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from config.problems import Problem

JSON = "application/json"
STALE = "The resource is not, or no longer, as your condition says. Read it again."

Content = Mapping[str, object]
Row = TypeVar("Row")
Represent = Callable[[Row], Content]
Precondition = Callable[[Row], None]


class Negotiation(DefaultContentNegotiation):
    """Chooses a media type by the weights in `Accept`, which DRF's own choice does not read."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        produces = {renderer.media_type: renderer for renderer in renderers}
        media_type = request.get_preferred_type(list(produces))
        if media_type is None:
            raise NotAcceptable(f"This resource can be had as {' or '.join(produces)}.")
        return produces[str(media_type)], str(media_type)


class JSONParser(BaseParser):
    """Reads bodies by `read_json`, for DRF's own parser has no limit and fails on deep nesting."""

    media_type = JSON

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return read_json(parser_context["request"]._request)


def read_json(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body; a problem with 400, 413 or 415 when there is none."""
    # RFC 8259 §8.1: JSON is UTF-8. It knows no charset parameter, but many clients send one.
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type != JSON or charset not in ("utf-8", "utf8"):
        raise Problem(415, f"The body must be {JSON} in UTF-8.", headers={"Accept": JSON})
    try:
        data = json.loads(request.body.decode())
    except RecursionError:
        raise Problem(400, "The body is nested too deep.") from None
    except ValueError as error:
        raise Problem(400, f"The body is not valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise Problem(400, "The body must be a JSON object.")
    return data


def entity_tag(body: bytes) -> str:
    """A strong entity tag: other bytes, other tag (RFC 9110 §8.8.3)."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def precondition(request: Request, represent: Represent[Row]) -> Precondition[Row]:
    """A check that raises 412 when `If-Match` no longer holds for the row given to it.

    The service calls it once nobody else can write the row: compared any earlier, the tag could
    grow stale before the write, and one of two writers would lose an update.
    """
    # Django reads a malformed header as none at all, which would make the write unconditional.
    if "If-Match" in request.headers and not parse_etags(request.headers["If-Match"]):
        raise Problem(400, 'If-Match must hold entity tags in quotes, like "abc", or *.')

    def check(row: Row) -> None:
        tag = entity_tag(JSONRenderer().render(represent(row)))
        if get_conditional_response(request, etag=tag) is not None:
            raise Problem(412, STALE)

    return check
