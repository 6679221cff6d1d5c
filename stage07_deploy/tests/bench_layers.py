"""What every stage is asked when `./stage bench layers` compares them: anonymous reads."""

from django.test import Client

from stages.measure import Bench, Count, Request
from tests.bench_07_deploy import TLS  # Imported, it has set what production does.

PUBLISHED = "/api/v1/posts/?status=published"


def bench() -> Bench:
    client = Client(headers={"host": "localhost"} | TLS)
    first = client.get(PUBLISHED).json()
    post = f"/api/v1/posts/{first['results'][0]['slug']}/"
    client.get(post)  # so that a cache that keeps it has it when queries are counted
    several = [
        Request("the first page of 20 posts", PUBLISHED, TLS),
        # A cache keeps neither what lies at a cursor, nor a post asked for with any parameter.
        Request("the second page", first["next"].partition("localhost")[2], TLS),
        Request("one post", post, TLS),
        Request("one post, not cached", f"{post}?fresh", TLS),
    ]
    counts = [Count(each.name, [each.path], at_most=4, headers=TLS) for each in several]
    return Bench(several, counts, application="tests.bench_07_deploy:application")
