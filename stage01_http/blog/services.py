"""What changes posts and comments, and the rules that hold when it does."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from blog.models import Comment, Post
from config.http import Precondition
from config.problems import Conflict
from config.store import lock
from todos.models import Todo


def create_post(*, title: str, body: str, tags: list[str]) -> Post:
    with lock:
        taken = {post.slug for post in Post.objects}
        slug = next(slug for slug in slugs_for(title) if slug not in taken)
        return Post.objects.insert(Post(slug=slug, title=title, body=body, tags=tags))


def slugs_for(title: str) -> Iterator[str]:
    """The plain slug of `title`, then endless variants of it for when it is taken."""
    slug = slugify(title)[:60].strip("-") or "post"
    yield slug
    while True:
        # Counting 2, 3, 4 … would make the hundredth post of one title try a hundred slugs.
        yield f"{slug}-{get_random_string(6, 'abcdefghijkmnpqrstuvwxyz23456789')}"


def update_post(*, post: Post, changes: dict[str, Any], precondition: Precondition[Post]) -> Post:
    with lock:
        post = Post.objects.with_details().get(id=post.id)
        precondition(post)
        post = replace(post, **changes, updated_at=timezone.now())
        Post.objects.save(post)
    return post


def publish_post(*, post: Post, precondition: Precondition[Post] | None = None) -> Post:
    """The post, published; a second time changes nothing. Conflict while a to-do is open."""
    with lock:
        post = Post.objects.with_details().get(id=post.id)
        if precondition:
            precondition(post)
        if post.open_todos:
            raise Conflict(f"{post.open_todos} to-dos on the checklist of this post are open.")
        if post.status == Post.DRAFT:
            post = replace(post, status=Post.PUBLISHED, published_at=timezone.now())
            Post.objects.save(post)
    return post


def delete_post(*, post: Post, precondition: Precondition[Post]) -> None:
    """Deletes the post with its comments and its checklist."""
    with lock:
        post = Post.objects.with_details().get(id=post.id)
        precondition(post)
        for comment in Comment.objects.on(post):
            Comment.objects.delete(comment)
        for todo in Todo.objects.where(lambda todo: todo.post_id == post.id):
            Todo.objects.delete(todo)
        Post.objects.delete(post)


def add_comment(*, post: Post, name: str, body: str) -> Comment:
    """Raises Conflict when the post is a draft: what nobody can read, nobody can comment on."""
    with lock:
        post = Post.objects.get(id=post.id)
        if post.status != Post.PUBLISHED:
            raise Conflict("Only a published post takes comments.")
        return Comment.objects.insert(Comment(post_id=post.id, name=name, body=body))


def delete_comment(*, comment: Comment) -> None:
    Comment.objects.delete(comment)
