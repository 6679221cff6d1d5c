"""What HTTP asks of every resource: methods, media types, bodies, entity tags (RFC 9110)."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags
from django.views import View

from config.problems import Problem

JSON = "application/json"
STALE = "The resource is not, or no longer, as your condition says. Read it again."

Content = Mapping[str, object]
Row = TypeVar("Row")
Represent = Callable[[Row], Content]
Precondition = Callable[[Row], None]


class Resource(View):
    """A view that answers in the media types it `produces` and in no others."""

    produces: tuple[str, ...] = (JSON,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Refuses a Host that is not ours. Whoever makes a link would too, but after the write.
        request.get_host()
        # RFC 9110 §13.1.4: ignored by a resource that tells no date of its last change, as ours do
        # not. Django would take the date for one that has passed, and refuse.
        request.META.pop("HTTP_IF_UNMODIFIED_SINCE", None)
        if request.get_preferred_type(self.produces) is None:
            raise Problem(406, f"This resource can be had as {' or '.join(self.produces)}.")
        return super().dispatch(request, *args, **kwargs)

    def http_method_not_allowed(self, *args: Any, **kwargs: Any) -> HttpResponseNotAllowed:
        allow = super().http_method_not_allowed(*args, **kwargs)["Allow"]
        raise Problem(405, f"This resource allows {allow}.", headers={"Allow": allow})


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


def read_query(request: HttpRequest) -> dict[str, str]:
    """The parameters of the query; a problem with 400 that names those given more than once."""
    doubled = [name for name, values in request.GET.lists() if len(values) > 1]
    if doubled:
        errors = {name: ["Given more than once."] for name in doubled}
        raise Problem(400, "Some values cannot be accepted.", errors)
    return request.GET.dict()


def respond(request: HttpRequest, content: Content, *, status: int = 200) -> HttpResponse:
    """`content` as JSON with its entity tag, or 304 when the client has it already."""
    response = JsonResponse(content, status=status)
    # RFC 9110 §9.3.4: no tag in the answer to a PUT, for what is stored is not, byte for byte,
    # what was sent, and a tag would say that it is.
    if request.method != "PUT":
        response["ETag"] = entity_tag(content)
    if request.method in ("GET", "HEAD"):
        conditional = get_conditional_response(request, response["ETag"], response=response)
        if conditional is not None and conditional.status_code == 412:
            raise Problem(412, STALE)
        return conditional or response
    return response


def respond_created(request: HttpRequest, content: Content, view: str, key: object) -> HttpResponse:
    """201 with the `Location` of what was made: the URL of `view` for `key`."""
    response = respond(request, content, status=201)
    response["Location"] = request.build_absolute_uri(reverse(view, args=[key]))
    return response


def entity_tag(content: Content) -> str:
    """A strong entity tag: other content, other tag (RFC 9110 §8.8.3)."""
    canonical = json.dumps(content, sort_keys=True, cls=DjangoJSONEncoder).encode()
    return f'"{hashlib.sha256(canonical).hexdigest()[:32]}"'


def precondition(request: HttpRequest, represent: Represent[Row]) -> Precondition[Row]:
    """A check that raises 412 when `If-Match` no longer holds for the row given to it.

    The service calls it once nobody else can write the row: compared any earlier, the tag could
    grow stale before the write, and one of two writers would lose an update.
    """
    # Django reads a malformed header as none at all, which would make the write unconditional.
    if "If-Match" in request.headers and not parse_etags(request.headers["If-Match"]):
        raise Problem(400, 'If-Match must hold entity tags in quotes, like "abc", or *.')

    def check(row: Row) -> None:
        if get_conditional_response(request, etag=entity_tag(represent(row))) is not None:
            raise Problem(412, STALE)

    return check
