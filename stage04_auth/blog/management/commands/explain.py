from datetime import timedelta
from typing import Any

import sqlparse
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from blog.models import Comment, Post, Revision, Tag
from config.pagination import Cursor, older
from todos.models import Todo


def queries() -> dict[str, tuple[str, QuerySet[Any]]]:
    """By name, the index that is there for a query, and the query.

    Places, words and days to look for are taken from the posts that are stored.
    """
    published = Post.objects.in_status(Post.PUBLISHED).exclude(tag_set=None).first()
    if published is None:
        raise CommandError("There is no published post with a tag; `seed` stores some.")
    newest = ("-created_at", "-id")
    deep = Post.objects.with_details().order_by(*newest)[Post.objects.count() * 4 // 5]
    first = Post.objects.earliest("created_at")
    tag = Tag.objects.filter(posts=published)[0].name
    posts, todos = Post.objects.with_details(), Todo.objects.with_details()
    lists = {
        "newest": ("post_newest", posts),
        "deep": ("post_newest", older(Cursor("after", deep.created_at, deep.id), posts)),
        "published": ("post_newest_published", posts.in_status(Post.PUBLISHED)),
        "visible": ("post_newest", posts.visible_to(deep.author)),
        "tagged": ("blog_post_tag_set", posts.tagged(tag)),
        "search": ("post_search", posts.matching(deep.title)),
        "comments": ("comment_newest", Comment.objects.on(published)),
        "todos": ("todo_newest", todos),
        "own": ("todo_of_owner", todos.visible_to(deep.author)),
        "checklist": ("todo_of_post", todos.on(deep.slug)),
        "overdue": (
            "todo_due",
            todos.done(False).due_before(first.created_at.date() + timedelta(days=3)),
        ),
    }
    rows = {
        "post": ("post_slug_unique", posts.filter(slug=deep.slug)),
        "open": ("todo_open", Todo.objects.done(False).filter(post=deep)),
        "revisions": ("revision_document", Revision.objects.tagged(tag)),
    }
    pages = {name: (index, rows.order_by(*newest)[:21]) for name, (index, rows) in lists.items()}
    return pages | rows


class Command(BaseCommand):
    help = "Runs the queries that requests make, and prints each with its plan."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="one query alone")

    def handle(self, *, name: str | None, **options: Any) -> None:
        known = queries()
        if name is not None and name not in known:
            raise CommandError(f"There is no query {name}. There are: {', '.join(known)}.")
        for title, (index, rows) in known.items():
            if name in (None, title):
                self.stdout.write(self.style.MIGRATE_HEADING(f"{title}, by {index}"))
                self.stdout.write(sqlparse.format(str(rows.query), reindent=True))
                self.stdout.write(rows.explain(analyze=True, buffers=True) + "\n")
