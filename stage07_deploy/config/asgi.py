"""The service as an ASGI application: slower than by WSGI, but able to hold streams open."""

import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.asgi import get_asgi_application

from config import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# One thread each. Most requests wait, for the database or for Redis.
THREADS = cycle([ThreadPoolExecutor(max_workers=1) for _ in range(40)])

tracing.start()

handler: Any = get_asgi_application()

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]


async def django(scope: dict[str, Any], receive: Receive, send: Any) -> None:
    """Answers in one of a few threads, which many requests share.

    By itself Django would start one for each and keep it until the answer has ended, which a
    stream does not.
    """
    async with ThreadSensitiveContext(executor=next(THREADS)):
        await handler(scope, receive, send)


async def application(scope: dict[str, Any], receive: Receive, send: Any) -> None:
    """Gives Django so much of a body that it can tell when that is too long, and not the rest.

    By itself Django would write all of it to a file, however long, before it asks who sends it.
    """
    if scope["type"] != "http":
        await django(scope, receive, send)
        return
    body, more = bytearray(), True
    while more and len(body) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    parts = [{"type": "http.request", "body": bytes(body)}]

    async def rest() -> Message:
        if parts:
            return parts.pop()
        # After the body Django waits for the client to go away, and for nothing else.
        while (message := await receive())["type"] == "http.request":
            pass
        return message

    # By this length Django refuses a body; one that comes in chunks has told none.
    headers = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
    length = (b"content-length", str(len(body)).encode())
    await django({**scope, "headers": [*headers, length]}, rest, send)
