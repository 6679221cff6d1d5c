from collections.abc import Mapping
from typing import Any

from config.validation import Field, calendar_date, choice, text
from todos.models import Todo, TodoQuerySet

TODO_PARAMETERS = {
    "done": Field(choice("true", "false")),
    "post": Field(text(max_length=80)),
    "due_before": Field(calendar_date),
}


def filter_todos(query: Mapping[str, Any]) -> TodoQuerySet:
    """The to-dos that fit every parameter of `query`."""
    todos = Todo.objects.with_details()
    if query["done"] is not None:
        todos = todos.done(query["done"] == "true")
    if query["post"] is not None:
        todos = todos.on(query["post"])
    if query["due_before"] is not None:
        todos = todos.due_before(query["due_before"])
    return todos
