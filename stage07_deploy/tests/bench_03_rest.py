"""What the serializers cost, beside those that DRF makes of a model: `./stage bench`."""

from django.conf import settings

from config.wsgi import application  # noqa: F401
from stages.measure import Bench, Count, Request

settings.ROOT_URLCONF = "tests.stock"
POSTS, STOCK = "/api/v1/posts/", "/stock/posts/"


def bench() -> Bench:
    return Bench(
        [
            Request("20 posts by ModelSerializer", STOCK),
            Request("20 posts by ours", POSTS, at_most=0.5),
        ],
        [Count("ours", [POSTS], at_most=1), Count("by ModelSerializer", [STOCK], at_most=2)],
        application="tests.bench_03_rest:application",
    )
