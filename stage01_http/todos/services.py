"""What changes to-dos, and the rule that ties them to the status of their post."""

from dataclasses import replace
from datetime import date
from typing import Any

from blog.models import Post
from config.http import Precondition
from config.problems import Conflict
from config.store import lock
from todos.models import Todo


def create_todo(
    *, title: str, description: str, done: bool, due_on: date | None, post: Post | None
) -> Todo:
    with lock:
        pk = post.id if post else None
        todo = Todo(title=title, description=description, done=done, due_on=due_on, post_id=pk)
        check_checklist(todo)
        todo = Todo.objects.insert(todo)
        return Todo.objects.with_details().get(id=todo.id)


def update_todo(*, todo: Todo, changes: dict[str, Any], precondition: Precondition[Todo]) -> Todo:
    with lock:
        todo = Todo.objects.with_details().get(id=todo.id)
        precondition(todo)
        if "post" in changes:
            post = changes.pop("post")
            changes["post_id"] = post.id if post else None
        todo = replace(todo, **changes)
        check_checklist(todo)
        Todo.objects.save(todo)
        return Todo.objects.with_details().get(id=todo.id)


def check_checklist(todo: Todo) -> None:
    """Raises Conflict for an open to-do on a published post: its checklist is done for good."""
    if todo.post_id is not None:
        post = Post.objects.get(id=todo.post_id)
        if post.status == Post.PUBLISHED and not todo.done:
            raise Conflict("A published post takes no open to-dos.")


def delete_todo(*, todo: Todo, precondition: Precondition[Todo]) -> None:
    with lock:
        precondition(Todo.objects.with_details().get(id=todo.id))
        Todo.objects.delete(todo)
