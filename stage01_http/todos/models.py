from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import ClassVar, Self

from django.utils.timezone import now

from blog.models import Post
from config.store import Table, lock


class TodoQuerySet(Table["Todo"]):
    def with_details(self) -> Self:
        """The to-dos with `post_slug`, which other rows decide."""
        with lock:
            slugs: dict[int | None, str] = {post.id: post.slug for post in Post.objects}
            return self.map(lambda todo: replace(todo, post_slug=slugs.get(todo.post_id)))

    def done(self, done: bool) -> Self:
        return self.where(lambda todo: todo.done == done)

    def on(self, slug: str) -> Self:
        return self.where(lambda todo: todo.post_slug == slug)

    def due_before(self, day: date) -> Self:
        return self.where(lambda todo: todo.due_on is not None and todo.due_on < day)


@dataclass(frozen=True, kw_only=True)
class Todo:
    """Something to do: on its own, or on the checklist of a post."""

    objects: ClassVar[TodoQuerySet] = TodoQuerySet()

    id: int = 0
    title: str
    description: str
    done: bool
    due_on: date | None
    post_id: int | None
    post_slug: str | None = None
    created_at: datetime = field(default_factory=now)
