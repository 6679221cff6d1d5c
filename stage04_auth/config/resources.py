"""What the views of all resources have in common."""

from typing import Any

from django.db.models import QuerySet
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from config.http import STALE, Precondition, entity_tag, precondition
from config.problems import Problem, problem_response


class Conditional(APIView):
    """A view whose answers carry entity tags, with 304 for a client that has the answer already."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Refuses a Host that is not ours. Whoever makes a link would too, but after the write.
        request.get_host()
        # RFC 9110 §13.1.4: ignored by a resource that tells no date of its last change, as ours do
        # not. Django would take the date for one that has passed, and refuse.
        request.META.pop("HTTP_IF_UNMODIFIED_SINCE", None)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # Another user may get another answer: only private caches may keep it, and must ask first.
        patch_vary_headers(answer, ["Authorization", "Cookie"])
        answer.setdefault("Cache-Control", "private, no-cache")
        # RFC 9110 §9.3.4: no tag in the answer to a PUT, for what is stored is not, byte for byte,
        # what was sent, and a tag would say that it is. The pages for people have none either.
        untagged = request.method in ("PUT", "OPTIONS") or not isinstance(answer, Response)
        if untagged or answer.accepted_media_type == "text/html" or answer.data is None:
            return answer
        answer["ETag"] = entity_tag(answer.render().content)
        reads = request.method in ("GET", "HEAD")
        conditional = reads and get_conditional_response(request, answer["ETag"], response=answer)
        if conditional and conditional.status_code == 412:
            return problem_response(Problem(412, STALE))
        return conditional or answer


class Resource(Conditional, GenericViewSet[Any]):
    """A viewset that filters lists alone, and whose writes hold to `If-Match`."""

    # Actions that the state of the resource can forbid, with 409; for the API's description.
    conflicts: tuple[str, ...] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # DRF takes no body for an empty object, which as a PATCH would change nothing and say 200.
        if self.action == "partial_update" and request.stream is None:
            raise ParseError("There is no body.")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.detail else super().filter_queryset(queryset)

    def precondition(self) -> Precondition[Any]:
        return precondition(self.request, lambda row: self.get_serializer(row).data)
