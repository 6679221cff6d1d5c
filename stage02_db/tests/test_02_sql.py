"""What the SQL layer promises beyond the contract."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from time import monotonic
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.signals import pre_migrate
from django.test import Client

from blog import demo, reports, samples, services
from blog.management.commands.explain import queries
from blog.models import Comment, Post, Revision, Tag
from config.problems import Conflict, problem_for
from todos.models import Todo
from todos.services import update_todo

POSTS, TODOS = "/api/v1/posts/", "/api/v1/todos/"
RACES = int(os.environ.get("RACES", "20"))

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(store_post):
    return store_post(tags=["sql"])


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"slug": "taken"}, "post_slug_unique"),
        ({"status": "published"}, "post_published_at_says_when"),
        ({"published_at": F("created_at")}, "post_published_at_says_when"),
        ({"status": "lost"}, "post_published_at_says_when"),
    ],
)
def test_constraint__broken_past_the_services__is_kept_by_the_database(
    post, store_post, change, constraint
):
    store_post("Taken")

    with pytest.raises(IntegrityError, match=constraint):
        Post.objects.filter(id=post.id).update(**change)


def test_tag__carried_by_two_posts__is_stored_once(post, store_post):
    store_post("Another", tags=["sql", "db"])

    assert Tag.objects.filter(name__in=["db", "sql"]).count() == 2


def test_tag__in_a_database_of_any_language__is_sorted_by_code_point():
    # The database of these tests sorts like that by itself.
    found = (
        "SELECT collation_name FROM information_schema.columns"
        " WHERE table_name = 'blog_tag' AND column_name = 'name'"
    )
    with connection.cursor() as cursor:
        cursor.execute(found)
        assert cursor.fetchone() == ("C",)


@pytest.mark.parametrize("size", [20, 100])
def test_list__of_any_size__is_one_query(client_in_process, django_assert_num_queries, size):
    samples.load(150)

    with django_assert_num_queries(1):  # posts, with their tags and open to-dos
        page = client_in_process.get(f"{POSTS}?page_size={size}").json()

    assert len(page["results"]) == size


@pytest.fixture
def client_in_process():
    return Client()


def test_detail__of_a_post__is_one_query(client_in_process, django_assert_num_queries, post):
    services.publish_post(post=post)

    with django_assert_num_queries(1):
        assert client_in_process.get(f"{POSTS}{post.slug}/").status_code == 200


def test_search__other_inflection__is_found(client, new_post):
    slug = new_post(title="Publishing quokkas", published=True)["slug"]

    found = client.get(POSTS, params={"q": "publish quokka"}).json()["results"]

    assert [post["slug"] for post in found] == [slug]


@pytest.mark.parametrize("words", ['"unbalanced', "a & | !", ":*", "'; --", "\\", "%", "or", "()"])
def test_search__syntax_of_queries__is_only_words(client, words):
    assert client.get(POSTS, params={"q": words}).status_code == 200


def test_revision__of_a_post__is_kept_at_publish_and_at_each_edit_after(post):
    def edit(body: str) -> None:
        services.update_post(
            post=post, changes={"body": body, "tags": ["new"]}, precondition=lambda post: None
        )

    edit("Drafted")
    services.publish_post(post=post)
    services.publish_post(post=post)
    edit("Corrected")

    bodies = Revision.objects.order_by("id").values_list("document__body", flat=True)
    assert list(bodies) == ["Drafted", "Corrected"]


def test_revision__tag_since_removed__is_still_found_by_it(post):
    services.publish_post(post=post)
    services.update_post(post=post, changes={"tags": []}, precondition=lambda post: None)

    assert [revision.post_id for revision in Revision.objects.tagged("sql")] == [post.id]
    assert not Post.objects.tagged("sql").exists()


def test_report__in_sql_and_by_the_orm__says_the_same():
    samples.load(3_000)  # a bit over a month, so that the running total has something to add

    rows = reports.tags_by_month_sql()

    assert rows == reports.tags_by_month_orm()
    assert sum(row["posts"] for row in rows) == Post.tag_set.through.objects.count()
    last = {row["tag"]: row["posts_so_far"] for row in rows}
    assert sum(last.values()) == Post.tag_set.through.objects.count()


def test_seed__twice__stores_nothing_twice():
    for _ in range(2):
        demo.load()
        samples.load(30)

    assert Post.objects.filter(slug__startswith="sample-").count() == 30
    assert Post.objects.exclude(slug__startswith="sample-").count() == 7
    assert Todo.objects.filter(post__slug="sample-1").count() == 2
    assert Revision.objects.filter(post__slug="sample-1").count() == 1


def test_samples__in_two_steps__are_the_same_as_in_one():
    samples.load(10)
    samples.load(20)
    steps = list(Post.objects.order_by("created_at").values_list("slug", "title", "body"))
    Post.objects.all().delete()
    samples.load(20)

    assert list(Post.objects.order_by("created_at").values_list("slug", "title", "body")) == steps


def test_plans__at_10_000_posts__use_the_index_made_for_them():
    samples.load(10_000)

    for name, (index, rows) in queries().items():
        plan = rows.explain()
        assert index in plan, f"{name}:\n{plan}"


def test_migrate__a_long_statement__has_no_time_limit():
    limits = []

    def look(**kwargs):
        with connection.cursor() as cursor:
            limits.extend(cursor.execute("SHOW statement_timeout").fetchone())

    look()
    pre_migrate.connect(look)
    call_command("migrate", verbosity=0)
    pre_migrate.disconnect(look)
    look()

    assert (limits[0], *set(limits[1:-1]), limits[-1]) == ("5s", "0", "5s")


def test_explain__of_the_demo__prints_every_query():
    demo.load()

    printed = StringIO()
    call_command("explain", stdout=printed)

    for name, (index, _) in queries().items():
        assert f"{name}, by {index}" in printed.getvalue()


def test_delete__racing_edits_of_the_checklist__never_fails(crowd, new_post, new_todo):
    editor, remover = crowd(2)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(RACES):
            slug = new_post()["slug"]
            todo = new_todo(post=slug)["id"]
            racers = [
                pool.submit(editor.patch, f"{TODOS}{todo}/", json={"description": "Edited"}),
                pool.submit(remover.delete, f"{POSTS}{slug}/"),
            ]
            assert [racer.result().status_code for racer in racers] in ([200, 204], [404, 204])


def test_todos__swapping_posts_at_once__never_fail(crowd, new_post, new_todo):
    posts = [new_post()["slug"] for _ in range(2)]
    todos = [new_todo(post=slug)["id"] for slug in posts]
    authors = crowd(2)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(RACES):
            posts.reverse()
            racers = [
                pool.submit(author.patch, f"{TODOS}{todo}/", json={"post": slug})
                for author, todo, slug in zip(authors, todos, posts, strict=True)
            ]
            assert [racer.result().status_code for racer in racers] == [200, 200]


def test_tags__new_ones_in_opposite_orders_at_once__never_fail(store_post):
    def write(names: list[str]) -> None:
        store_post(tags=names)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            # Both have to wait for this one; in their own orders each would have a tag by then
            # that the other needs next.
            Tag.objects.create(name="m")
            racers = [pool.submit(write, ["a", "m", "z"]), pool.submit(write, ["z", "m", "a"])]
            deadline = monotonic() + 1.5  # before the lock_timeout of 2 s
            while waiting_for_locks() < 2:
                assert monotonic() < deadline
        for racer in racers:
            racer.result()

    assert Tag.objects.count() == 3


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


def test_comment__racing_the_deletion_of_its_post__never_fails(crowd, comment, new_post):
    reader, remover = crowd(2)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(RACES):
            url = f"{POSTS}{new_post(published=True)['slug']}/"
            racers = [
                pool.submit(reader.post, f"{url}comments/", json=comment),
                pool.submit(remover.delete, url),
            ]
            assert [racer.result().status_code for racer in racers] in ([201, 204], [404, 204])
    assert not Comment.objects.exists()


def test_checklist__todo_moved_meanwhile__is_a_conflict(post, store_todo):
    todo = store_todo()
    Todo.objects.filter(id=todo.id).update(post=post)
    with pytest.raises(Conflict, match="moved"):
        update_todo(todo=todo, changes={"title": "B"}, precondition=lambda todo: None)


def test_lock__held_by_another__is_503_and_not_for_ever(author, new_post, problem):
    slug = new_post()["slug"]

    with transaction.atomic():
        Post.objects.select_for_update().get(slug=slug)
        started = monotonic()
        response = author.patch(f"{POSTS}{slug}/", json={"body": "Late"})

    problem(response, 503)
    assert response.headers["Retry-After"] == "1"
    assert 1.5 < monotonic() - started < 5  # the lock_timeout of 2 s
    assert author.get(f"{POSTS}{slug}/").json()["body"] == ""


def test_pool__exhausted__is_503_and_recovers(web, crowd, problem):
    readers, told = crowd(25), len(web.log.read_text())

    with ThreadPoolExecutor(25) as pool, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE blog_post IN ACCESS EXCLUSIVE MODE")
        answers = list(pool.map(lambda reader: reader.get(POSTS), readers))

    for response in answers:
        problem(response, 503)
    # Ten have a connection, and find the lock held; the others do not wait for theirs so long.
    log = web.log.read_text()[told:]
    assert "due to lock timeout" in log
    assert log.count("couldn't get a connection after 1.50 sec") >= 5  # 15, if all come at once
    assert readers[0].get(POSTS).status_code == 200


@pytest.fixture
def cut_off(database_url):
    """Makes the server refuse and drop connections to the test database, and take them again."""
    name = connection.settings_dict["NAME"]
    elsewhere = urlsplit(database_url)._replace(path="/postgres").geturl()

    @contextmanager
    def away():
        # Our own pool too, or it would still be looking for its connections when we are done.
        connection.close()
        connection.close_pool()
        with psycopg.connect(elsewhere, autocommit=True) as admin:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            admin.execute(ended, [name])
            yield
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    return away


def test_problem__of_a_value_that_no_column_can_hold__is_400():
    with pytest.raises(DataError) as caught:
        Post.objects.filter(title="\0").exists()

    assert problem_for(caught.value).status == 400


def test_database__away_and_back__is_503_and_then_served(client, cut_off, problem):
    with cut_off():
        for _ in range(2):  # time enough for pauses between attempts to grow, if they did
            response = client.get(f"{POSTS}?page_size=1")
            problem(response, 503)
            assert response.elapsed.total_seconds() < 2
        assert client.get("/").status_code == 200

    deadline = monotonic() + 1
    while client.get(f"{POSTS}?page_size=1").status_code != 200:
        assert monotonic() < deadline
