"""What a browser may do with our answers: Content-Security-Policy and Permissions-Policy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# An answer for programs is never a page, so nothing that it might smuggle in is run or shown.
DATA = "default-src 'none'; frame-ancestors 'none'"
# The pages for people load all from here. Swagger UI, Redoc and the browsable API set styles in
# their markup, Redoc searches in a worker made from a blob; no page has a script in its markup.
PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src blob:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeadersMiddleware:
    """Adds both headers to every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        page = response.get("Content-Type", "").startswith("text/html")
        response.setdefault("Content-Security-Policy", PAGES if page else DATA)
        response.setdefault("Permissions-Policy", PERMISSIONS)
        return response
