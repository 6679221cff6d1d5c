from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from config.http import JSON, Resource, respond
from config.problems import Problem

HTML = "text/html"


class ServiceDocument(Resource):
    """Where everything is: a page for people, JSON for programs."""

    produces = (JSON, HTML)

    def get(self, request: HttpRequest) -> HttpResponse:
        links = {
            name: request.build_absolute_uri(reverse(view))
            for name, view in (("posts", "post-list"), ("todos", "todo-list"))
        }
        if request.get_preferred_type(self.produces) == HTML:
            response = render(request, "service.html", {"links": links})
        else:
            response = respond(request, links)
        # Without this a cache would give the page to a program, or JSON to a person.
        patch_vary_headers(response, ["Accept"])
        return response


def not_found(request: HttpRequest) -> HttpResponse:
    raise Problem(404, "There is nothing at this path.")
