"""The service with one path more: a view that returns a constant, behind the same middleware."""

from django.http import HttpResponse
from django.urls import path

from config import urls

urlpatterns = [path("bare/", lambda request: HttpResponse(b"{}")), *urls.urlpatterns]
