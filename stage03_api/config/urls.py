from django.contrib.staticfiles.views import serve
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from config.views import ServiceDocument, not_found

urlpatterns = [
    path("", ServiceDocument.as_view(), name="service"),
    path("static/<path:path>", serve),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    # Their templates can make nothing of what DRF answers to OPTIONS.
    path("api/docs/", SpectacularSwaggerView.as_view(metadata_class=None), name="docs"),
    path("api/redoc/", SpectacularRedocView.as_view(metadata_class=None), name="redoc"),
    path("api/<version>/", include("blog.urls")),
    path("api/<version>/", include("todos.urls")),
    # Django's own 404 is an HTML page; ours is a problem, so no path may be left unmatched.
    re_path("", not_found),
]
