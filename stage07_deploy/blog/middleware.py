"""The public pages of the blog, from the cache."""

import re
from collections.abc import Callable
from functools import lru_cache

from django import urls
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from blog import cache
from blog.views import PostViewSet
from config.http import JSON

ANYTHING = "*/*"
CONDITION = "HTTP_IF_NONE_MATCH"
LONGEST = 80  # Characters of a slug, as in the model.
TYPES = [str(renderer.media_type) for renderer in PostViewSet.renderer_classes]
# What many readers ask for: by the other filters, hardly two ask for the same. In one spelling
# alone, or a page would be kept under each that there is.
STATUS, TAG = "status=[a-z]+", "tag=(?:[a-z0-9_-]|%[89A-F][0-9A-F])+"
QUERIES = {
    "post-list": re.compile(f"(?:{STATUS})?|(?:{STATUS}&)?{TAG}"),
    "post-detail": re.compile(""),
}
# What makes a request one of a single client.
OWN = {"HTTP_AUTHORIZATION", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"}
# Kept for the paths asked for last: to find it out anew would be a tenth of a hit.
resolve = lru_cache(1000)(urls.resolve)


class PublicPages:
    """Answers the public before sessions, users and DRF have cost more than the answer does.

    What a hit leaves out has nothing to say: who shows a login is given no page from here, what
    anybody may read needs no permission, and throttles count writes and log-ins alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page = public_page(request)
        if page is None:
            return self.get_response(request)
        # Whole, for what is kept is for everybody, also when this client has it already.
        condition = request.META.pop(CONDITION, "")
        response = cache.read_through(page, lambda: self.get_response(request))
        if page.slug and response.status_code == 200:
            cache.count_view(page.slug)
        if not condition:
            return response
        request.META[CONDITION] = condition
        etag = response.get("ETag")
        return get_conditional_response(request, etag, response=response) or response


def public_page(request: HttpRequest) -> cache.Page | None:
    """The page that `request` asks for; None if it is not to be shared.

    No draft gets into one: without a login it is not there.
    """
    own = OWN & request.META.keys() or settings.SESSION_COOKIE_NAME in request.COOKIES
    # A target that is no path, like a whole URL, is for ProblemMiddleware to read.
    if own or request.method not in ("GET", "HEAD") or request.path_info[:1] != "/":
        return None
    # As Django does, which does not come to it when there is a page.
    match = request.resolver_match = resolve(request.path_info)
    slug = match.kwargs.get("slug")
    pattern, query = QUERIES.get(match.view_name), request.META["QUERY_STRING"]
    if pattern is None or not pattern.fullmatch(query):
        return None
    if slug and len(slug) > LONGEST:
        return None  # Nothing has it, and its version would be a key as long as anybody likes.
    # Most clients say one of these two; to read anything else takes as long as a hit.
    accept = request.META.get("HTTP_ACCEPT", ANYTHING)
    if accept not in (ANYTHING, JSON) and request.get_preferred_type(TYPES) != JSON:
        return None
    try:
        # With the host, for there are links in the page.
        url = f"{request.scheme}://{request.get_host()}{request.path}?{query}"
    except DisallowedHost:  # whose links the view does not make
        return None
    sources = (cache.post_version(slug), cache.AUTHORS) if slug else (cache.POSTS,)
    return cache.Page(url, sources, slug)
