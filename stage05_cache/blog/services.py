"""What changes posts and comments, and the rules that hold when it does."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from accounts.models import User
from blog import cache, live
from blog.models import Comment, Post, Revision, Tag
from config.http import Precondition
from config.problems import Conflict

# What is a path of its own beside those of the posts.
RESERVED = {"trending"}


def create_post(*, author: User, title: str, body: str, tags: list[str]) -> Post:
    with transaction.atomic():
        for slug in slugs_for(title):
            # Two posts of one title race for one slug, and a look beforehand would let both have
            # it: the unique constraint decides, and whoever loses tries the next.
            fields = {"author": author, "title": title, "body": body}
            post, created = Post.objects.get_or_create(slug=slug, defaults=fields)
            if created:
                break
        set_tags(post, tags)
        post.open_todos = 0
        post.author_name = author.name
    return post


def slugs_for(title: str) -> Iterator[str]:
    """The plain slug of `title`, then endless variants of it for when it is taken."""
    slug = slugify(title)[:60].strip("-") or "post"
    if slug not in RESERVED:
        yield slug
    while True:
        # Counting 2, 3, 4 … would make the hundredth post of one title try a hundred slugs.
        yield f"{slug}-{get_random_string(6, 'abcdefghijkmnpqrstuvwxyz23456789')}"


def set_tags(post: Post, names: list[str]) -> None:
    # In one order for everyone: two writers who make the same new tags in opposite orders would
    # wait for each other for ever.
    tags = [Tag(name=name) for name in sorted(names)]
    Tag.objects.bulk_create(tags, ignore_conflicts=True)
    post.tag_set.set(Tag.objects.filter(name__in=names))
    post.tags = names


def lock_post(post: Post, *, to_delete: bool = False) -> Post:
    """The post with its details, as it is once nobody else can change it.

    Two statements: one that has waited for a lock sees the locked row as it is after the wait,
    but in its subqueries the other tables as they were before.
    """
    # FOR NO KEY UPDATE where the row stays: it lets others insert rows that refer to it.
    locked = Post.objects.select_for_update(no_key=not to_delete)
    return Post.objects.with_details().get(id=locked.values_list("id", flat=True).get(id=post.id))


def update_post(*, post: Post, changes: dict[str, Any], precondition: Precondition[Post]) -> Post:
    with transaction.atomic():
        post = lock_post(post)
        precondition(post)
        columns = {**changes, "updated_at": timezone.now()}
        if "tags" in columns:
            set_tags(post, columns.pop("tags"))
        for name, value in columns.items():
            setattr(post, name, value)
        post.save(update_fields=columns)
        if post.status == Post.PUBLISHED:
            record_revision(post)
            cache.drop_on_commit(cache.POSTS, cache.post_version(post.slug))
    return post


def publish_post(*, post: Post, precondition: Precondition[Post] | None = None) -> Post:
    """The post, published; a second time changes nothing. Conflict while a to-do is open."""
    with transaction.atomic():
        # Whoever adds a to-do takes this lock too, so none can come between the look at the
        # checklist and the publication.
        post = lock_post(post)
        if precondition:
            precondition(post)
        if post.open_todos:
            raise Conflict(f"{post.open_todos} to-dos on the checklist of this post are open.")
        if post.status == Post.DRAFT:
            post.status = Post.PUBLISHED
            post.published_at = timezone.now()
            post.save(update_fields=["status", "published_at"])
            record_revision(post)
            cache.drop_on_commit(cache.POSTS, cache.post_version(post.slug))
    return post


def record_revision(post: Post) -> None:
    document = {"title": post.title, "body": post.body, "tags": post.tags}
    Revision.objects.create(post=post, document=document)


def delete_post(*, post: Post, precondition: Precondition[Post]) -> None:
    """Deletes the post with its comments and its checklist."""
    with transaction.atomic():
        post = lock_post(post, to_delete=True)
        precondition(post)
        transaction.on_commit(partial(live.announce, post.id))
        transaction.on_commit(partial(cache.forget_views, post.slug))
        post.delete()
        if post.status == Post.PUBLISHED:
            cache.drop_on_commit(cache.POSTS, cache.post_version(post.slug))


def add_comment(*, post: Post, author: User, body: str) -> Comment:
    """Raises Conflict when the post is a draft: what nobody can read, nobody can comment on."""
    with transaction.atomic():
        # Locked, or the post could be deleted before the comment refers to it.
        post = lock_post(post)
        if post.status != Post.PUBLISHED:
            raise Conflict("Only a published post takes comments.")
        transaction.on_commit(partial(live.announce, post.id))
        return Comment.objects.create(post=post, author=author, name=author.name, body=body)


def delete_comment(*, comment: Comment) -> None:
    comment.delete()
