from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from accounts.models import User


class TodoQuerySet(models.QuerySet["Todo"]):
    def with_details(self) -> Self:
        """The to-dos with `post_slug`, which other rows decide."""
        return self.annotate(post_slug=F("post__slug"))

    def visible_to(self, user: User) -> Self:
        """One's own, or all to whom a role shows them."""
        return self if user.has_perm("todos.view_todo") else self.filter(owner=user)

    def done(self, done: bool) -> Self:
        return self.filter(done=done)

    def on(self, slug: str) -> Self:
        return self.filter(post__slug=slug)

    def due_before(self, day: date) -> Self:
        return self.filter(due_on__lt=day)


class Todo(models.Model):
    """Something to do: on its own, or on the checklist of a post, whose author then owns it."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="todos", db_index=False
    )
    title = models.CharField(max_length=200)
    description = models.TextField()
    done = models.BooleanField()
    due_on = models.DateField(null=True)
    post = models.ForeignKey(
        "blog.Post", models.CASCADE, related_name="todos", null=True, db_index=False
    )
    created_at = models.DateTimeField(default=now)

    # Filled by TodoQuerySet.with_details.
    post_slug: str | None

    objects = TodoQuerySet.as_manager()

    class Meta:
        indexes = [
            # GET todos/, newest first.
            models.Index(fields=["-created_at", "-id"], name="todo_newest"),
            # The same of one owner; and the foreign key, which it begins with.
            models.Index(fields=["owner", "-created_at", "-id"], name="todo_of_owner"),
            # GET todos/?post=, newest first; and the foreign key, which it begins with.
            models.Index(fields=["post", "-created_at", "-id"], name="todo_of_post"),
            # PostQuerySet.with_details: how many are open. Most to-dos get done, so it stays small.
            models.Index(fields=["post"], condition=Q(done=False), name="todo_open"),
            # GET todos/?done=false&due_before=: what is overdue.
            models.Index(fields=["due_on"], condition=Q(done=False), name="todo_due"),
        ]

    def __str__(self) -> str:
        return self.title

    def may_be_changed_by(self, user: User) -> bool:
        return self.owner_id == user.pk or user.has_perm("todos.change_todo")
