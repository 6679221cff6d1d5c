import sys
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer, TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from config.problems import Problem, problem_for, problem_response
from config.resources import Conditional
from config.throttles import count_attempt

LINKS = {"posts": "post-list", "todos": "todo-list"}
LINKS |= {n: n for n in ("register", "token", "me", "schema", "docs", "redoc")}
SERVICE = {"$ref": "#/components/schemas/Service"}


class ServicePage(TemplateHTMLRenderer):
    template_name = "service.html"

    def get_template_context(self, data: Any, renderer_context: Any) -> dict[str, Any]:
        return {"links": data}


class ServiceDocument(Conditional):
    """Where everything is: a page for people, JSON for programs."""

    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer, ServicePage]

    @extend_schema(operation_id="service", responses={200: SERVICE}, tags=["service"])
    def get(self, request: Request) -> Response:
        return Response({name: reverse(view, request=request) for name, view in LINKS.items()})


# A form that was sent nowhere is to be told so, and not that it lacks a token.
@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:
    raise Problem(404, "There is nothing at this path.")


def change_password(request: HttpRequest) -> HttpResponse:
    """The admin's page, whose form compares the password itself, without `authenticate()`."""
    if request.method == "POST":
        count_attempt(request, "login", request.user.get_username())
    return admin.site.password_change(request)


def csrf_failure(request: HttpRequest, reason: str) -> HttpResponse:
    return problem_response(Problem(403, f"{reason} Load the page again."))


def failure(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """The answer to what other middleware than ours has raised; with DEBUG it is Django's page."""
    return problem_response(problem_for(exception or cast("Exception", sys.exception())))
