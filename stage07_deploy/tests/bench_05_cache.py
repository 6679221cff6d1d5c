"""What a cached answer costs, beside an uncached one and a view that does nothing."""

from django.conf import settings
from django.test import Client

from config.wsgi import application  # noqa: F401
from stages.measure import Bench, Count, Request

settings.ROOT_URLCONF = "tests.bare"
LIST = "/api/v1/posts/?status=published"
UNCACHED = f"{LIST}&page_size=20"


def bench() -> Bench:
    client = Client(headers={"host": "localhost"})
    first = client.get(LIST)
    post = f"/api/v1/posts/{first.json()['results'][0]['slug']}/"
    client.get(post)
    unchanged = {"If-None-Match": first["ETag"]}
    return Bench(
        [
            Request("20 posts, cached", LIST),
            Request("20 posts, not cached", UNCACHED, at_least=10),
            Request("a view that returns a constant", "/bare/", at_least=0.4),
            Request("20 posts, unchanged (304)", LIST, unchanged, status=304),
            Request("one post, cached and counted", post),
        ],
        [Count("the list and a post, cached", [LIST, post], at_most=0)],
        application="tests.bench_05_cache:application",
    )
