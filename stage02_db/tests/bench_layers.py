"""What every stage is asked when `./stage bench layers` compares them: anonymous reads."""

from django.test import Client

from stages.measure import Bench, Count, Request

PUBLISHED = "/api/v1/posts/?status=published"


def bench() -> Bench:
    client = Client(headers={"host": "localhost"})
    first = client.get(PUBLISHED).json()
    post = f"/api/v1/posts/{first['results'][0]['slug']}/"
    client.get(post)  # so that a cache that keeps it has it when queries are counted
    several = [
        Request("the first page of 20 posts", PUBLISHED),
        # A cache keeps neither what lies at a cursor, nor a post asked for with any parameter.
        Request("the second page", first["next"].partition("localhost")[2]),
        Request("one post", post),
        Request("one post, not cached", f"{post}?fresh"),
    ]
    return Bench(several, [Count(each.name, [each.path], at_most=4) for each in several])
