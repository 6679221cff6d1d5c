"""What happened under each tag in each month: the same report in SQL and by the ORM."""

from typing import Any

from django.db import connection
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum, Window
from django.db.models.functions import Coalesce, TruncMonth

from blog.models import Comment, Post
from todos.models import Todo

# Comments and to-dos are counted for each post by itself: joined to one another, the two would
# multiply.
TAGS_BY_MONTH = """
    WITH facts AS (
        SELECT tag.name AS tag,
               date_trunc('month', post.created_at, 'UTC') AS month,
               (SELECT count(*) FROM blog_comment WHERE post_id = post.id) AS comments,
               (SELECT count(*) FROM todos_todo WHERE post_id = post.id AND NOT done) AS todos
          FROM blog_post AS post
          JOIN blog_post_tag_set AS tagging ON tagging.post_id = post.id
          JOIN blog_tag AS tag ON tag.id = tagging.tag_id
    )
    SELECT tag,
           month,
           count(*) AS posts,
           sum(comments)::int AS their_comments,
           sum(todos)::int AS their_open_todos,
           (sum(count(*)) OVER (PARTITION BY tag ORDER BY month))::int AS posts_so_far
      FROM facts
  GROUP BY tag, month
  ORDER BY tag, month
"""


def tags_by_month_sql() -> list[dict[str, Any]]:
    """Rows of tag, month, posts, their_comments, their_open_todos and posts_so_far (a total)."""
    with connection.cursor() as cursor:
        cursor.execute(TAGS_BY_MONTH)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def tags_by_month_orm() -> list[dict[str, Any]]:
    """The rows of tags_by_month_sql, built by the ORM.

    Django has no window over an aggregate, so here windows do all the counting, a row for each
    post and tag, and DISTINCT leaves one of each: the same answer for more work.
    """
    group = [F("tag"), F("month")]
    rows = (
        Post.objects.exclude(tag_set=None)
        .annotate(
            tag=F("tag_set__name"),
            month=TruncMonth("created_at"),
            comments_here=count_on_post(Comment.objects.all()),
            open_here=count_on_post(Todo.objects.done(False)),
        )
        .values(
            "tag",
            "month",
            posts=Window(Count("id"), partition_by=group),
            their_comments=Window(Sum("comments_here"), partition_by=group),
            their_open_todos=Window(Sum("open_here"), partition_by=group),
            posts_so_far=Window(Count("id"), partition_by=F("tag"), order_by="month"),
        )
        .order_by("tag", "month")
        .distinct()
    )
    return [dict(row) for row in rows]


def count_on_post(rows: QuerySet[Any]) -> Coalesce:
    """How many of `rows` belong to the post of the query around it."""
    counts = rows.filter(post=OuterRef("id")).values("post").annotate(n=Count("id")).values("n")
    return Coalesce(Subquery(counts), 0)
