"""What the cache promises beyond its proofs: it is never wrong, and never anybody's own."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from blog import cache, services
from blog.middleware import public_page
from blog.models import Post
from config.redis import client as valkey_client

POSTS = "/api/v1/posts/"
HOST = {"Host": "localhost"}
READS = int(os.environ.get("CONSISTENT_READS", "200"))


def page(*sources):
    return cache.Page(f"http://localhost/{uuid4().hex}", sources or (f"version:{uuid4().hex}",))


def answer(text="old", status=200):
    return lambda: HttpResponse(text, status=status)


def test_reads__racing_edits_on_two_processes__never_show_what_an_answered_edit_replaced(
    web, elsewhere, crowd, new_post
):
    """CONSISTENT_READS says how many; the title counts up, so an older one is told from a newer."""
    path = f"{POSTS}{new_post(title='0', published=True)['slug']}/"
    answered, done = [0], Event()

    def write(writer):
        number = 0
        while not done.is_set():
            number += 1
            assert writer.patch(path, json={"title": str(number)}).status_code == 200
            answered[0] = number

    def read(reader, times):
        for _ in range(times):
            least = answered[0]
            post = random.choice([path, POSTS])
            found = reader.get(post, headers=HOST).json()
            found = found["results"][0] if post == POSTS else found
            assert int(found["title"]) >= least

    with ExitStack() as stack, ThreadPoolExecutor(9) as pool:
        readers = [stack.enter_context(at.client()) for at in (web, elsewhere) for _ in range(4)]
        writing = pool.submit(write, crowd(1)[0])
        reading = [pool.submit(read, reader, READS // 8) for reader in readers]
        try:
            for each in reading:
                each.result()
        finally:
            done.set()
        writing.result()
    assert answered[0] > 1


def test_slow_reader__overtaken_by_a_change__puts_nothing_back():
    source = f"version:{uuid4().hex}"
    shared = page(source)

    def slow():
        cache.drop((source,))  # a change commits while the old row is being made into a page
        return HttpResponse("old")

    assert cache.read_through(shared, slow).content == b"old"

    assert cache.read_through(shared, answer("new")).content == b"new"
    assert cache.read_through(shared, answer("newer")).content == b"new"


def test_version__lost_by_redis__is_not_given_again():
    source = f"version:{uuid4().hex}"
    shared = page(source)
    cache.read_through(shared, answer("old"))
    kept = valkey_client.get(shared.key)

    cache.drop((source,))
    cache.read_through(shared, answer("new"))
    cache.drop((source,))
    valkey_client.set(shared.key, kept)

    assert cache.read_through(shared, answer("newest")).content == b"newest"


def test_leader__dead__another_takes_its_place(monkeypatch):
    monkeypatch.setattr(cache, "PATIENCE", 0.3)
    shared = page()

    def die():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.read_through(shared, die)

    began = time.monotonic()
    assert cache.read_through(shared, answer("new")).content == b"new"
    assert 0.1 < time.monotonic() - began < 2


def test_answer__that_is_not_kept__is_not_waited_for():
    shared = page()

    began = time.monotonic()
    for _ in range(3):
        assert cache.read_through(shared, answer(status=404)).status_code == 404

    assert time.monotonic() - began < cache.PATIENCE
    assert valkey_client.get(shared.key) is None


def test_versions__live_a_minute_and_as_long_as_the_pages_made_from_them():
    shared = page()
    (source,) = shared.sources
    cache.read_through(shared, answer(status=404))
    assert 0 < valkey_client.ttl(source) <= cache.LIFETIME

    valkey_client.expire(source, 1)
    cache.read_through(shared, answer())
    assert valkey_client.pttl(source) >= valkey_client.pttl(shared.key) > 1000


def test_slug__that_no_post_can_have__leaves_nothing_behind(client, problem):
    longest = Post._meta.get_field("slug").max_length
    slug = uuid4().hex.ljust(longest, "a")

    for each in (slug, f"{slug}a"):
        problem(client.get(f"{POSTS}{each}/"), 404)

    versions = [cache.post_version(each) for each in (slug, f"{slug}a")]
    assert [valkey_client.exists(version) for version in versions] == [1, 0]


def test_edit__rolled_back_with_its_transaction__drops_nothing(new_post):
    slug = new_post(published=True)["slug"]
    source = cache.post_version(slug)
    Client().get(f"{POSTS}{slug}/")
    before = valkey_client.get(source)

    with transaction.atomic():
        services.update_post(
            post=Post.objects.get(slug=slug),
            changes={"title": "No"},
            precondition=lambda post: None,
        )
        transaction.set_rollback(True)

    assert before is not None
    assert valkey_client.get(source) == before


@pytest.mark.parametrize("change", ["edit", "publish", "delete"])
def test_lists__after_a_change__show_it(author, client, new_post, tag, change):
    slug = new_post(published=change != "publish")["slug"]
    lists = [f"{POSTS}?tag={tag}", POSTS]
    for path in lists:
        client.get(path)

    if change == "edit":
        author.patch(f"{POSTS}{slug}/", json={"title": "New"})
    elif change == "publish":
        author.post(f"{POSTS}{slug}/publish/")
    else:
        author.delete(f"{POSTS}{slug}/")

    for path in lists:
        titles = {row["slug"]: row["title"] for row in client.get(path).json()["results"]}
        assert titles.get(slug) == {"edit": "New", "publish": "A post", "delete": None}[change]
    gone = change == "delete"
    assert client.get(f"{POSTS}{slug}/").status_code == (404 if gone else 200)


def test_draft__written_edited_and_deleted__leaves_the_lists_as_they_are(author, client, new_post):
    client.get(POSTS)
    before = valkey_client.get(cache.POSTS)

    path = f"{POSTS}{new_post()['slug']}/"
    author.patch(path, json={"title": "New"})
    author.delete(path)

    assert before is not None
    assert valkey_client.get(cache.POSTS) == before


def test_drop__that_failed__is_made_up_for_before_any_thread_reads(monkeypatch):
    begun, done = Event(), Event()

    def drop(sources):
        begun.set()
        assert done.wait(20)

    monkeypatch.setattr(cache, "drop", drop)
    monkeypatch.setattr(cache, "debts", {"version:late"})
    with ThreadPoolExecutor(2) as pool:
        paying = pool.submit(cache.pay_debts)
        assert begun.wait(20)
        reading = pool.submit(cache.look, page())

        with pytest.raises(TimeoutError):
            reading.result(timeout=0.2)
        done.set()
        reading.result()
        paying.result()


def test_draft__read_by_its_author__is_in_no_page(author, client, new_post):
    slug = new_post()["slug"]

    assert author.get(f"{POSTS}{slug}/").status_code == 200
    assert slug in author.get(POSTS).text

    assert client.get(f"{POSTS}{slug}/").status_code == 404
    assert slug not in client.get(POSTS).text


KEPT = ["status=published&tag=a-b", "tag=%C3%A4"]
OTHER_SPELLINGS = ["tag=a-b&status=published", "tag=A-b", "tag=%61", "tag=%c3%a4"]
BESIDE = ["tag=a&tag=a", "tag=a&", "&tag=a", "tag=", "status=published&", "q=a", "tag=a&q=a"]


@pytest.mark.parametrize("query", KEPT + OTHER_SPELLINGS + BESIDE)
def test_page__of_a_query__is_kept_in_one_spelling_alone(rf, query):
    assert (public_page(rf.get(f"{POSTS}?{query}")) is not None) == (query in KEPT)


def test_page__of_one_host__is_not_shown_on_another(client, new_post):
    path = f"{POSTS}{new_post(published=True)['slug']}/"

    for host in ("localhost", "127.0.0.1"):
        for _ in range(2):
            assert client.get(path, headers={"Host": host}).json()["url"] == f"http://{host}{path}"


def test_page__kept__is_not_given_under_a_host_that_is_not_ours(client, new_post, problem):
    path = f"{POSTS}{new_post(published=True)['slug']}/"
    client.get(path)

    for _ in range(2):
        problem(client.get(path, headers={"Host": "elsewhere.example"}), 400)


def test_page__kept__has_the_headers_of_the_first_time(client, new_post):
    path = f"{POSTS}{new_post(published=True)['slug']}/"

    first, second = client.get(path), client.get(path)
    unchanged = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    own = ("date", "x-request-id", "server")
    first, second = ({n: v for n, v in a.headers.items() if n not in own} for a in (first, second))
    assert first == second
    assert first["cache-control"] == "public, no-cache"
    assert {"Accept", "Authorization", "Cookie"} <= set(first["vary"].split(", "))
    assert unchanged.status_code == 304
    assert unchanged.headers["Cache-Control"] == first["cache-control"]
    assert unchanged.headers["Vary"] == first["vary"]


def test_page__cold__is_kept_whole_for_a_client_that_has_it(author, client, new_post):
    path = f"{POSTS}{new_post(published=True)['slug']}/"
    known = {"If-None-Match": author.get(path).headers["ETag"]}

    assert client.get(path, headers=known).status_code == 304
    assert client.get(path).json()["title"] == "A post"


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/json;q=0.1, text/html"])
def test_page__kept_as_json__is_not_given_as_anything_else(client, new_post, accept):
    path = f"{POSTS}{new_post(published=True)['slug']}/"
    client.get(path)

    other = client.get(path, headers={"Accept": accept})

    assert other.headers["Content-Type"] != "application/json"


def test_parameter__unknown__is_refused_though_the_list_is_kept(client, problem):
    client.get(POSTS)

    problem(client.get(POSTS, params={"colour": "red"}), 400, "colour")
    problem(client.get(POSTS, params={"status": "lost"}), 400, "status")


def test_trending__after_views__has_the_most_viewed_first(client, author, new_post):
    slugs = [new_post(published=True)["slug"] for _ in range(3)]
    for slug, views in zip(slugs, (50, 150, 100), strict=True):
        for _ in range(views):
            cache.count_view(slug)

    trending = client.get(f"{POSTS}trending/").json()["results"]

    places = {post["slug"]: place for place, post in enumerate(trending)}
    assert places[slugs[1]] < places[slugs[2]] < places[slugs[0]]
    assert trending[places[slugs[0]]] == client.get(f"{POSTS}{slugs[0]}/").json()
    author.delete(f"{POSTS}{slugs[1]}/")
    assert slugs[1] not in client.get(f"{POSTS}trending/").text
    # Nor does it take one of the ten places.
    assert valkey_client.zscore(cache.TRENDING, slugs[1]) is None
    assert valkey_client.hget(cache.VIEWS, slugs[1]) is None


def test_views__by_many_at_once__are_all_counted(web, new_post):
    slug = new_post(published=True)["slug"]

    def read(_):
        with web.client() as reader:
            for _ in range(10):
                assert reader.get(f"{POSTS}{slug}/").status_code == 200

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(read, range(5)))

    assert int(valkey_client.hget(cache.VIEWS, slug)) == 50


def test_view__older__weighs_less(monkeypatch):
    old, new = uuid4().hex, uuid4().hex
    now = time.time()

    monkeypatch.setattr(time, "time", lambda: now - cache.HALF_LIFE)
    cache.count_view(old)
    monkeypatch.setattr(time, "time", lambda: now)
    cache.count_view(new)

    weights = [valkey_client.zscore(cache.TRENDING, slug) for slug in (old, new)]
    assert weights[1] == pytest.approx(2 * weights[0])
    valkey_client.zrem(cache.TRENDING, old, new)


def test_post__titled_as_a_path__gets_another_slug(author, new_post):
    post = new_post(title="Trending")

    assert post["slug"].startswith("trending-")
    assert author.get(post["url"]).json() == post
