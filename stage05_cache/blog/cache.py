"""What of the blog is in Redis: under which keys, for how long, and until which change."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex

from django.db import transaction
from django.http import HttpResponse

from config.redis import Unavailable, circuit, client

# Seconds. A page that a change should have dropped is gone after this whatever happened, also when
# the process died between the commit and the drop.
LIFETIME = 60
PATIENCE = 2.0  # Seconds for which readers wait for one of them to make a page.
TURN = 0.01  # Seconds between two looks.

# What pages are made from. A page is good for as long as the versions of all its sources stay.
POSTS = "version:posts"  # which posts are public, and what a list shows of them
AUTHORS = "version:authors"  # the names of their authors

VIEWS = "views"  # a hash: slug to the number of views
TRENDING = "trending"  # a sorted set: slug to the weight of its views
HALF_LIFE = 7 * 24 * 3600  # Seconds in which a view loses half of its weight.
EPOCH = 1_767_225_600  # The first of January 2026. The weights stay finite until 2045.

# Drops that Redis was not there for.
debts: set[str] = set()
paying = threading.Lock()


def post_version(slug: str) -> str:
    return f"version:post:{slug}"


@dataclass(frozen=True)
class Page:
    """An answer that is the same for everybody without a login, and the sources of it."""

    url: str
    sources: tuple[str, ...]
    slug: str | None = None

    @property
    def key(self) -> str:
        return f"page:{sha256(self.url.encode()).hexdigest()}"


def read_through(page: Page, make: Callable[[], HttpResponse]) -> HttpResponse:
    """The page from Redis; if it is not there, one reader makes it, and the others wait for that.

    The versions are read before the page is made. When a change commits meanwhile, the page is
    kept under versions that nobody has any more: however slow a reader is, it cannot put back what
    a writer has made stale.
    """
    deadline = time.monotonic() + PATIENCE
    lifetime = int(1000 * PATIENCE)
    try:
        while True:
            versions, kept = look(page)
            if kept is not None:
                return kept
            lock = f"lock:{page.key}:{versions}"
            # Should its holder die, the lock runs out, and whoever looks next takes its place.
            holder = client.set(lock, "busy", nx=True, get=True, px=lifetime)
            if holder != b"busy" or time.monotonic() > deadline:
                break
            time.sleep(TURN)
    except Unavailable:
        return make()
    response = make()
    with suppress(Unavailable):
        if response.status_code == 200:
            # Anyone may keep it, but has to ask whether it is still good.
            response["Cache-Control"] = "public, no-cache"
            keep(page, versions, response)
        else:
            # A 404 and the like is not kept, and not waited for either.
            client.set(lock, "vain", px=lifetime)
    return response


def look(page: Page) -> tuple[str, HttpResponse | None]:
    """The versions of the sources, and the page as it is kept if it was made from these."""
    pay_debts()
    kept, *found = client.mget(page.key, *page.sources)
    versions = " ".join(
        (version or new_version(source)).decode()
        for source, version in zip(page.sources, found, strict=True)
    )
    return versions, unpack(versions, kept) if kept else None


def new_version(source: str) -> bytes:
    """A version that never was before: counted, it would start again if Redis lost the count."""
    new = token_hex(8).encode()
    # Whoever is first decides. Not for longer, for anybody can ask for what does not exist.
    first: bytes | None = client.set(source, new, nx=True, get=True, ex=LIFETIME)
    return first or new


def keep(page: Page, versions: str, response: HttpResponse) -> None:
    """Stores the page; its versions live on for as long as it does."""
    commands = client.pipeline(transaction=False)
    commands.set(page.key, pack(versions, response), ex=LIFETIME)
    for source in page.sources:
        commands.expire(source, LIFETIME)
    circuit.call(commands.execute)


def pack(versions: str, response: HttpResponse) -> bytes:
    head = json.dumps([versions, dict(response.items())])
    return head.encode() + b"\n" + response.content


def unpack(versions: str, kept: bytes) -> HttpResponse | None:
    head, _, body = kept.partition(b"\n")
    made_from, headers = json.loads(head)
    return HttpResponse(body, headers=headers) if made_from == versions else None


def drop_on_commit(*sources: str) -> None:
    """Makes every page from `sources` stale once the transaction commits; a rollback, none.

    It is done before the writer gets its answer, so whoever knows of a change also sees it.
    """
    transaction.on_commit(lambda: drop(sources))


def drop(sources: tuple[str, ...]) -> None:
    try:
        client.delete(*sources)
    except Unavailable:
        debts.update(sources)


def pay_debts() -> None:
    """Drops what Redis was not there to drop, before this process reads from it again."""
    with paying:  # or another thread would read while the drop is on its way
        if due := tuple(debts):
            debts.difference_update(due)
            drop(due)


def count_view(slug: str) -> None:
    """Counts a view of a post by the public, in total and for what is trending.

    Who is logged in reads past the cache, and is not counted: authors see their own posts most.
    Instead of making all old weights smaller as time goes by, each new one is larger.
    """
    weight = 2 ** ((time.time() - EPOCH) / HALF_LIFE)
    counts = client.pipeline(transaction=False).hincrby(VIEWS, slug, 1)
    with suppress(Unavailable):
        circuit.call(counts.zincrby(TRENDING, weight, slug).execute)


def forget_views(slug: str) -> None:
    """Takes a post that is gone from the counts; while Redis is away it stays in them."""
    counts = client.pipeline(transaction=False).hdel(VIEWS, slug)
    with suppress(Unavailable):
        circuit.call(counts.zrem(TRENDING, slug).execute)


def trending(limit: int) -> list[str]:
    """The slugs of the posts that are viewed most; none while Redis is away."""
    try:
        return [slug.decode() for slug in client.zrevrange(TRENDING, 0, limit - 1)]
    except Unavailable:
        return []
