"""What changes to-dos, and the rule that ties them to the status of their post."""

from datetime import date
from typing import Any

from django.db import transaction

from accounts.models import User
from blog.models import Post
from config.http import Precondition
from config.problems import Conflict
from todos.models import Todo


def create_todo(
    *, owner: User, title: str, description: str, done: bool, due_on: date | None, post: Post | None
) -> Todo:
    """A to-do of `owner` or, on a checklist, of the author of the post."""
    with transaction.atomic():
        todo = Todo(title=title, description=description, done=done, due_on=due_on, post=post)
        todo.owner_id = post.author_id if post else owner.pk
        lock_posts(todo.post_id)
        check_checklist(todo)
        todo.save()
        return Todo.objects.with_details().get(id=todo.id)


def update_todo(*, todo: Todo, changes: dict[str, Any], precondition: Precondition[Todo]) -> Todo:
    with transaction.atomic():
        # The posts before the to-do, as delete_post and its cascade take them; in the opposite
        # order the two could wait for each other for ever.
        goal = changes.get("post")
        lock_posts(todo.post_id, goal and goal.id)
        known, todo = todo, lock_todo(todo)
        if todo.post_id != known.post_id:
            raise Conflict("Somebody moved the to-do to another post meanwhile. Read it again.")
        precondition(todo)
        changes = {**changes, "owner_id": goal.author_id} if goal else changes
        for name, value in changes.items():
            setattr(todo, name, value)
        check_checklist(todo)
        todo.save(update_fields=changes)
        return Todo.objects.with_details().get(id=todo.id)


def lock_posts(*ids: int | None) -> None:
    """Keeps these posts from being published or deleted until the transaction ends."""
    posts = Post.objects.filter(id__in=[pk for pk in ids if pk is not None])
    list(posts.order_by("id").select_for_update(no_key=True).values_list("id"))


def lock_todo(todo: Todo) -> Todo:
    """The to-do with its details, as it is once nobody else can change it."""
    return Todo.objects.with_details().select_for_update(of=("self",)).get(id=todo.id)


def check_checklist(todo: Todo) -> None:
    """Raises Conflict for an open to-do on a published post: its checklist is done for good."""
    if todo.post_id is not None:
        post = Post.objects.only("status").get(id=todo.post_id)
        if post.status == Post.PUBLISHED and not todo.done:
            raise Conflict("A published post takes no open to-dos.")


def delete_todo(*, todo: Todo, precondition: Precondition[Todo]) -> None:
    with transaction.atomic():
        precondition(lock_todo(todo))
        todo.delete()
