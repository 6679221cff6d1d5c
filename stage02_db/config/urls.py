from django.urls import include, path, re_path

from config.views import ServiceDocument, not_found

urlpatterns = [
    path("", ServiceDocument.as_view(), name="service"),
    path("api/v1/", include("blog.urls")),
    path("api/v1/", include("todos.urls")),
    # Django's own 404 is an HTML page; ours is a problem, so no path may be left unmatched.
    re_path("", not_found),
]
