"""What an export holds: each post as Markdown, and a table of to-dos."""

import csv
from codecs import getwriter
from collections.abc import Iterator
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import yaml
from django.db.models import QuerySet

from accounts.models import User
from blog.models import Post
from todos.models import Todo

BATCH = 20  # posts, of up to 400 KB each
# What stands above a column, and the attribute below it.
COLUMNS = {name: name for name in ("id", "title", "description", "done", "due_on")} | {
    "post": "post_slug"
}


def write_archive(owner: User, file: IO[bytes]) -> Iterator[int]:
    """Writes the ZIP archive, and yields after each batch of rows how much is done, in per cent."""
    posts, todos = Post.objects.filter(author=owner), Todo.objects.filter(owner=owner)
    total, done = posts.count() + todos.count(), 0
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for batch in batches(posts.with_details()):
            for post in batch:
                archive.writestr(f"posts/{post.slug}.md", markdown(post))
            done += len(batch)
            yield 100 * done // max(total, done)
        with archive.open("todos.csv", "w", force_zip64=True) as file_of_todos:
            table = csv.writer(getwriter("utf-8")(file_of_todos))
            table.writerow(COLUMNS)
            for batch in batches(todos.with_details()):
                table.writerows(
                    [getattr(todo, name) for name in COLUMNS.values()] for todo in batch
                )
                done += len(batch)
                yield 100 * done // max(total, done)


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """All rows, so many at a time: of all at once there are no more than their ids."""
    ids = list(rows.order_by("id").values_list("id", flat=True))
    for first in range(0, len(ids), BATCH):
        yield list(rows.filter(id__in=ids[first : first + BATCH]).order_by("id"))


def markdown(post: Post) -> str:
    """The post with its other fields before it, as static site generators read them."""
    names = ("title", "tags", "status", "created_at", "updated_at", "published_at", "publish_at")
    fields = {name: getattr(post, name) for name in names}
    return f"---\n{yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)}---\n\n{post.body}"
