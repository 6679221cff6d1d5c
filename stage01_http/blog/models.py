from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Self

from django.utils.timezone import now

from config.store import Table, lock


class PostQuerySet(Table["Post"]):
    def with_details(self) -> Self:
        """The posts with `open_todos`, which other rows decide."""
        from todos.models import Todo

        with lock:
            open_todos = Counter(todo.post_id for todo in Todo.objects.done(False))
            return self.map(lambda post: replace(post, open_todos=open_todos[post.id]))

    def tagged(self, name: str) -> Self:
        return self.where(lambda post: name in post.tags)

    def in_status(self, status: str) -> Self:
        return self.where(lambda post: post.status == status)

    def matching(self, words: str) -> Self:
        """The posts whose title or body holds `words`, in any case."""
        wanted = words.casefold()
        return self.where(lambda post: wanted in f"{post.title}\n{post.body}".casefold())


@dataclass(frozen=True, kw_only=True)
class Post:
    """An article in Markdown; drafted, and published once its checklist is done."""

    DRAFT = "draft"
    PUBLISHED = "published"

    objects: ClassVar[PostQuerySet] = PostQuerySet()

    id: int = 0
    slug: str
    title: str
    body: str
    tags: list[str]
    status: str = DRAFT
    open_todos: int = 0
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    published_at: datetime | None = None


class CommentQuerySet(Table["Comment"]):
    def on(self, post: Post) -> Self:
        return self.where(lambda comment: comment.post_id == post.id)


@dataclass(frozen=True, kw_only=True)
class Comment:
    """What a reader says about a published post."""

    objects: ClassVar[CommentQuerySet] = CommentQuerySet()

    id: int = 0
    post_id: int
    name: str
    body: str
    created_at: datetime = field(default_factory=now)
