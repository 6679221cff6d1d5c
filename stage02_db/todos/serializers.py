"""To-dos as JSON: what a client may send, and what it gets."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from blog.models import Post
from config.validation import Field, boolean, calendar_date, text
from todos.models import Todo


def post(value: Any) -> Post | None:
    """The post with this slug, or None for null."""
    if value is None:
        return None
    try:
        return Post.objects.get(slug=text(max_length=80)(value))
    except ObjectDoesNotExist:
        raise ValueError("Must be the slug of a post, or null.") from None


TODO_FIELDS = {
    "title": Field(text(max_length=200), required=True),
    "description": Field(text(max_length=10_000, blank=True), default=""),
    "done": Field(boolean, default=False),
    "due_on": Field(calendar_date),
    "post": Field(post),
}


def represent_todo(todo: Todo) -> dict[str, object]:
    return {
        "id": todo.id,
        "title": todo.title,
        "description": todo.description,
        "done": todo.done,
        "due_on": todo.due_on,
        "post": todo.post_slug,
    }
