"""What changes posts and comments, and the rules that hold when it does."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from accounts.models import User
from blog import cache, live
from blog.mails import mail_blocked, mail_comment
from blog.models import Comment, Flush, Post, Revision, Tag
from config.http import Precondition
from config.problems import Conflict
from outbox.services import enqueue

# What is a path of its own beside those of the posts.
RESERVED = {"trending"}
# Posts at a time whose views are added: so many are locked for some milliseconds.
BATCH = 500
# Locked in the order of their ids, as by those who move a to-do from post to post: in opposite
# orders two could wait for each other for ever.
ADD_VIEWS = """
    WITH viewed AS (
        SELECT id, number
          FROM blog_post
          JOIN unnest(%s::text[], %s::bigint[]) AS counted (slug, number) USING (slug)
      ORDER BY id
           FOR NO KEY UPDATE OF blog_post
    )
    UPDATE blog_post AS post
       SET views = views + number
      FROM viewed
     WHERE viewed.id = post.id
"""


def create_post(
    *, author: User, title: str, body: str, tags: list[str], publish_at: datetime | None = None
) -> Post:
    with transaction.atomic():
        for slug in slugs_for(title):
            # Two posts of one title race for one slug, and a look beforehand would let both have
            # it: the unique constraint decides, and whoever loses tries the next.
            fields = {"author": author, "title": title, "body": body, "publish_at": publish_at}
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
        if post.status == Post.PUBLISHED and changes.get("publish_at"):
            raise Conflict("This post is published already.")
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
            post.published_at, post.publish_at = timezone.now(), None
            post.save(update_fields=["status", "published_at", "publish_at"])
            record_revision(post)
            cache.drop_on_commit(cache.POSTS, cache.post_version(post.slug))
    return post


def publish_next_due() -> bool:
    """Publishes the post that is due the longest; False if there is none that others leave to us.

    One with open to-dos stays a draft and is scheduled no more; its author is told by mail.
    """
    with transaction.atomic():
        # SKIP LOCKED: of two that do this at once, each takes another post. A post that somebody
        # edits right now is left for the next time, when its time may be another.
        due = Post.objects.due().select_for_update(skip_locked=True, no_key=True)
        post = due.order_by("publish_at").first()
        if post is None:
            return False
        try:
            publish_post(post=post)
        except Conflict:
            Post.objects.filter(id=post.id).update(publish_at=None)
            enqueue(mail_blocked, post.id)
    return True


def add_views(*, flush: str, views: dict[str, int]) -> None:
    """Adds to the views of posts, by slug; a second call for the same flush adds nothing.

    One that was interrupted goes on where it was: each batch is a transaction.
    """
    slugs = sorted(views)
    batches = {
        uuid5(UUID(flush), str(first)): slugs[first : first + BATCH]
        for first in range(0, len(slugs), BATCH)
    }
    # Only the last flush can come again.
    Flush.objects.exclude(id__in=batches).delete()
    for batch, slugs in batches.items():
        with transaction.atomic(), connection.cursor() as cursor:
            _, new = Flush.objects.get_or_create(id=batch)
            if new:
                cursor.execute(ADD_VIEWS, [slugs, [views[slug] for slug in slugs]])


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
        comment = Comment.objects.create(post=post, author=author, name=author.name, body=body)
        if author.id != post.author_id:
            enqueue(mail_comment, comment.id)
    return comment


def delete_comment(*, comment: Comment) -> None:
    comment.delete()
