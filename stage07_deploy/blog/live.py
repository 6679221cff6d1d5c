"""New comments at the moment they come, as server-sent events (HTML Living Standard §9.2)."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import Context
from typing import Any

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import Max
from rest_framework.renderers import BaseRenderer, JSONRenderer

from blog.models import Comment, Post
from config.problems import Problem
from config.redis import Unavailable, client

CHANNEL = "comments"
PAUSE = 1.0  # Seconds until a lost subscription is tried again.
BATCH = 100  # Comments that are read at once.
# Few: one comment may wake hundreds of listeners, and others need the database as well.
LOOKS = ThreadPoolExecutor(max_workers=4)

Represent = Callable[[list[Comment]], list[Any]]


class EventStream(BaseRenderer):
    """Lets `Accept: text/event-stream` through; what is sent, `events` has made already."""

    media_type = "text/event-stream"
    format = "events"


def announce(post_id: int) -> None:
    """Wakes all who listen to the comments of this post, in all processes.

    Nothing hangs on it: whoever is not woken looks at the next heartbeat.
    """
    with suppress(Unavailable):
        client.publish(CHANNEL, post_id)


class Hub:
    """Wakes the listeners of this process, all of them by one connection to Redis."""

    def __init__(self) -> None:
        self.listeners: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self.relaying: asyncio.Task[None] | None = None
        self.size = 0  # Read from other threads, which must not walk through the sets.

    @contextmanager
    def listening(self, post: Post) -> Iterator[asyncio.Event]:
        """An event that is set when there may be new comments on the post."""
        if self.relaying is None or self.relaying.done():
            # In a context of its own: it outlives the request that happens to start it.
            self.relaying = asyncio.create_task(self.relay(), context=Context())
        news = asyncio.Event()
        self.listeners[post.pk].add(news)
        self.size += 1
        try:
            yield news
        finally:
            self.size -= 1
            self.listeners[post.pk].discard(news)
            if not self.listeners[post.pk]:
                del self.listeners[post.pk]

    async def relay(self) -> None:
        while True:
            with suppress(redis.RedisError):
                async with redis.asyncio.from_url(settings.REDIS_URL).pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    async for message in channel.listen():
                        self.wake(message)
            await asyncio.sleep(PAUSE)

    def wake(self, message: dict[str, Any]) -> None:
        if message["type"] == "message":
            woken = [self.listeners.get(int(message["data"]), set())]
        else:
            # Subscribed only now: what came until then was told to nobody here.
            woken = list(self.listeners.values())
        for news in (news for each in woken for news in each):
            news.set()


hub = Hub()


async def events(post: Post, last: int, represent: Represent) -> AsyncIterator[bytes]:
    """The comments on the post with an id above `last`, and then each new one, while it is there.

    Redis says only that there is something: what it is comes from the database, in order and
    without a gap, whatever happened to Redis or to the connection of the client.
    """
    look = sync_to_async(comments_after, thread_sensitive=False, executor=LOOKS)
    with hub.listening(post) as news:
        while True:
            news.clear()
            comments = await look(post, last, represent)
            if comments is None:
                return  # The client comes back by itself, and gets a 404.
            for pk, data in comments:
                last = pk
                yield b"id: %d\nevent: comment\ndata: %s\n\n" % (pk, data)
            if len(comments) == BATCH:
                continue
            try:
                await asyncio.wait_for(news.wait(), settings.STREAM_HEARTBEAT)
            except TimeoutError:
                yield b": nothing new\n\n"


def comments_after(post: Post, last: int, represent: Represent) -> list[tuple[int, bytes]] | None:
    """Ids and JSON of the comments on the post after one of its comments; None if it is gone.

    In order of their ids, which on one post is that of their commits: `add_comment` locks the post
    before it draws an id.
    """
    try:
        comments = list(Comment.objects.on(post).filter(id__gt=last).order_by("id")[:BATCH])
        if not comments and not Post.objects.in_status(Post.PUBLISHED).filter(id=post.id).exists():
            return None
        rows = zip(comments, represent(comments), strict=True)
        return [(comment.pk, JSONRenderer().render(row)) for comment, row in rows]
    except OperationalError:
        return []  # The next look has them.
    finally:
        # A listener stays for hours, and would keep the connection from all others.
        connection.close()


def position(post: Post, last_event_id: str | None) -> int:
    """The id after which a client wants the comments on the post; by default, the newest."""
    if last_event_id is None:
        return Comment.objects.on(post).aggregate(newest=Max("id"))["newest"] or 0
    if re.fullmatch(r"[0-9]{1,18}", last_event_id):
        return int(last_event_id)
    raise Problem(400, "Last-Event-ID must be the id of an event.")
