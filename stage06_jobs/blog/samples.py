"""Very many generated posts with tags, comments and to-dos: the same ones on every machine."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Model

from accounts.models import User
from blog.models import Comment, Post, Tag
from todos.models import Todo

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
WORDS = [one + two + last for one in SYLLABLES for two in SYLLABLES for last in "nrs"]
# A word of twice the rank is half as frequent, as in any language (Zipf's law).
FREQUENCIES = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))
TAGS = WORDS[100:150]
NAMES = WORDS[200:300]
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)


DRAW_IDS = "SELECT nextval(pg_get_serial_sequence('blog_post', 'id')) FROM generate_series(1, %s)"

REVISE = """
    INSERT INTO blog_revision (post_id, created_at, document)
    SELECT id, published_at, jsonb_build_object('title', title, 'body', body, 'tags', ARRAY(
               SELECT name FROM blog_tag JOIN blog_post_tag_set ON tag_id = blog_tag.id
                WHERE post_id = post.id ORDER BY name))
      FROM blog_post AS post
     WHERE slug LIKE 'sample-%%' AND status = 'published'
       AND NOT EXISTS (SELECT FROM blog_revision WHERE post_id = post.id)
"""


def load(total: int) -> None:
    """Brings the number of generated posts up to `total`."""
    numbers = range(Post.objects.filter(slug__startswith="sample-").count(), total)
    with transaction.atomic(), connection.cursor() as cursor:
        # No time limit here: COPY takes longer than any request may.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(DRAW_IDS, [len(numbers)])
        posts = [(number, pk) for number, (pk,) in zip(numbers, cursor.fetchall(), strict=True)]
        Tag.objects.bulk_create([Tag(name=name) for name in TAGS], ignore_conflicts=True)
        tags = list(Tag.objects.filter(name__in=TAGS).order_by("name").values_list("id", flat=True))
        taggings = (row for post in posts for row in tag_rows(*post, tags))
        people = accounts()
        copy(Post, POST, (post_row(*post, people) for post in posts))
        copy(Post.tag_set.through, TAGGING, taggings)
        copy(Comment, COMMENT, (row for post in posts for row in comment_rows(*post, people)))
        copy(Todo, TODO, (row for post in posts for row in todo_rows(*post, people)))
        cursor.execute(REVISE)
    with connection.cursor() as cursor:
        # Until it has counted the new rows, the planner takes the tables for empty.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")


def accounts() -> list[int]:
    """The ids of the accounts that all is by; nobody can log in to them."""
    password = make_password(None)
    users = [User(name=name, email=f"{name}@example.invalid", password=password) for name in NAMES]
    User.objects.bulk_create(users, ignore_conflicts=True)
    mine = User.objects.filter(email__in=[user.email for user in users])
    return list(mine.order_by("email").values_list("id", flat=True))


def copy(model: type[Model], columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Stores rows by COPY, which parses no statement and makes no round trip for each."""
    statement = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as into:
        for row in rows:
            into.write_row(row)


POST = ["id", "slug", "title", "body", "status", "created_at", "updated_at", "published_at"]
POST += ["author_id"]


def by(number: int, people: list[int]) -> int:
    return people[number // 7 % len(people)]


def post_row(number: int, pk: int, people: list[int]) -> tuple[Any, ...]:
    """Four posts of five are published."""
    words = random.Random(number).choices(WORDS, cum_weights=FREQUENCIES, k=36)  # noqa: S311
    title, body = " ".join(words[:6]), " ".join(words[6:])
    published = number % 5 > 0
    at = created_at(number)
    status = Post.PUBLISHED if published else Post.DRAFT
    row = pk, f"sample-{number}", title, body, status, at, at, at if published else None
    return *row, by(number, people)


TAGGING = ["post_id", "tag_id"]


def tag_rows(number: int, pk: int, tags: list[int]) -> Iterator[tuple[Any, ...]]:
    for tag in {tags[number * step % len(tags)] for step in (1, 7, 11)}:
        yield pk, tag


COMMENT = ["post_id", "author_id", "name", "body", "created_at"]


def comment_rows(number: int, pk: int, people: list[int]) -> Iterator[tuple[Any, ...]]:
    for hour in range(number % 7 if number % 5 else 0):
        yield (
            pk,
            people[number % len(people)],
            NAMES[number % len(people)],
            f"About {number}.",
            created_at(number) + timedelta(hours=hour),
        )


TODO = ["post_id", "title", "description", "done", "due_on", "created_at", "owner_id"]


def todo_rows(number: int, pk: int, people: list[int]) -> Iterator[tuple[Any, ...]]:
    """Two for every post; those of drafts are open."""
    at = created_at(number)
    for days in (1, 7):
        due_on = (at + timedelta(days=days)).date()
        yield pk, WORDS[number % 300], "", number % 5 > 0, due_on, at, by(number, people)


def created_at(number: int) -> datetime:
    return FIRST_DAY + timedelta(minutes=20 * number)
