"""What the cache layer is for: each proof fails on the stage before, for the reason it names."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

POSTS, TODOS = "/api/v1/posts/", "/api/v1/todos/"
RACES = int(os.environ.get("RACES", "20"))
HOST = {"Host": "localhost"}  # one for all processes, as a proxy before them would have it


def selects_of_posts():
    """How many statements have read posts so far, in all processes."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        cursor.execute(
            "SELECT sum(calls) FROM pg_stat_statements JOIN pg_database ON dbid = pg_database.oid"
            " WHERE datname = current_database() AND query LIKE 'SELECT%FROM \"blog_post\"%'"
        )
        return int(cursor.fetchone()[0] or 0)


@pytest.mark.proof(
    claim="The second read costs no SQL, of a post and of the lists that everybody asks for.",
    before="Expected to perform 0 queries but 1 was done",
)
@pytest.mark.parametrize("path", ["", "?status=published", "?tag={tag}", "{slug}/"])
def test_read__a_second_time__costs_no_sql(new_post, tag, path, django_assert_num_queries):
    path = f"{POSTS}{path.format(tag=tag, slug=new_post(published=True)['slug'])}"
    first = Client().get(path)

    with django_assert_num_queries(0):
        second = Client().get(path)
    with django_assert_num_queries(0):
        unchanged = Client().get(path, headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, second.status_code, unchanged.status_code) == (200, 200, 304)
    assert second.content == first.content


@pytest.mark.proof(
    claim="Fifty readers of a cold post, on two processes at once, cost one query.",
    before=r"assert 50 == 1",
)
def test_cold_post__fifty_readers_on_two_processes__cost_one_query(web, elsewhere, new_post):
    path = f"{POSTS}{new_post(published=True)['slug']}/"
    with ExitStack() as stack, ThreadPoolExecutor(50) as pool:
        readers = [stack.enter_context(at.client()) for at in (web, elsewhere) for _ in range(25)]
        for reader in readers:
            reader.get("/")  # so that all have a connection
        before = selects_of_posts()

        answers = list(pool.map(lambda reader: reader.get(path, headers=HOST), readers))
        queries = selects_of_posts() - before

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert queries == 1


@pytest.mark.proof(
    claim="Ten writes a minute are ten, however many processes take them.",
    before="assert 20 == 10",
)
def test_limit__two_processes__hold_it_together(start_web):
    email, todo = f"{uuid4().hex}@example.com", {"title": "A to-do"}
    with ExitStack() as stack:
        webs = [start_web(WRITE_RATE="10/min") for _ in range(2)]
        authors = [stack.enter_context(web.logged_in(email)) for web in webs]
        statuses = [authors[n % 2].post(TODOS, json=todo).status_code for n in range(24)]

    written = statuses.count(201)
    assert written == 10


@pytest.mark.proof(
    claim="A new comment reaches whoever listens on another process.", before="assert 404 == 200"
)
def test_comment__to_one_process__reaches_a_listener_on_another(
    author, elsewhere, new_post, comment
):
    url = f"{POSTS}{new_post(published=True)['slug']}/comments/"
    with elsewhere.client() as listener, listener.stream("GET", f"{url}stream/") as stream:
        assert stream.status_code == 200
        written = author.post(url, json=comment).json()

        lines = stream.iter_lines()
        data = next(line for line in lines if line.startswith("data: "))

    told = json.loads(data.removeprefix("data: "))
    assert {**told, "url": written["url"]} == written


@pytest.mark.guard(claim="An edit is visible to the next read, also on another process.")
def test_edit__read_next__is_visible_everywhere(author, web, elsewhere, new_post):
    path = f"{POSTS}{new_post(published=True)['slug']}/"
    with web.client() as here, elsewhere.client() as there:
        for number in range(RACES):
            author.patch(path, json={"title": f"Title {number}"})
            for reader in (here, there):
                assert reader.get(path, headers=HOST).json()["title"] == f"Title {number}"
                listed = reader.get(POSTS, headers=HOST).json()["results"][0]
                assert listed["title"] == f"Title {number}"


@pytest.mark.guard(claim="An edit that is rolled back drops nothing.")
def test_edit__rolled_back__drops_nothing(author, new_post, problem, django_assert_num_queries):
    path = f"{POSTS}{new_post(published=True)['slug']}/"
    kept = Client().get(path)

    stale = {"If-Match": '"stale"'}
    problem(author.patch(path, json={"title": "Never"}, headers=stale), 412)

    with django_assert_num_queries(0):
        assert Client().get(path).content == kept.content


@pytest.mark.guard(claim="With Redis killed or frozen, reads are still answered, and soon.")
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_redis__killed_or_frozen__reads_are_answered(start_web, valkey, new_post, how):
    path = f"{POSTS}{new_post(published=True)['slug']}/"
    with start_web(REDIS_URL=valkey.url).client() as reader:
        for _ in range(3):
            assert reader.get(path).status_code == 200
        getattr(valkey, how)()
        for _ in range(20):
            answer = reader.get(path)
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() < 2
