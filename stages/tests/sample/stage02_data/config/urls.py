from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path


def hello(request: HttpRequest) -> HttpResponse:
    """Say where the words are kept."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (place,) = cursor.fetchone()
    return HttpResponse(f"hello from {place}")


urlpatterns = [path("", hello)]
