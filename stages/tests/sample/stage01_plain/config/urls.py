from django.http import HttpRequest, HttpResponse
from django.urls import path

PLACE = "memory"


def hello(request: HttpRequest) -> HttpResponse:
    """Say where the words are kept."""
    return HttpResponse(f"hello from {PLACE}")


urlpatterns = [path("", hello)]
