"""The way to Redis: short time-outs, and a circuit that does without it while it is away."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.problems import Problem

logger = logging.getLogger(__name__)

PAUSE = 1.0  # Seconds for which nobody asks a Redis that did not answer.
MINUTE = 60.0
OPTIONS = {
    "socket_timeout": settings.REDIS_TIMEOUT,
    "socket_connect_timeout": settings.REDIS_TIMEOUT,
    # One attempt. Redis(), unlike from_url(), would make eleven, and each would wait as long.
    "retry": Retry(NoBackoff(), 0),
}
AWAY = (redis.ConnectionError, redis.TimeoutError)
# What Redis says of a command that is wrong, or of a script that it does not know. All else that it
# refuses is for a state that it is in: full, without its disk or its replicas, not ours to write.
WRONG = ("ERR", "NOSCRIPT")

T = TypeVar("T")


class Unavailable(Problem):
    """Redis does not answer, or refuses what it is asked.

    Whoever can do without it catches this; for all others it is the answer, a 503.
    """

    def __init__(self) -> None:
        detail = "A part of the service is away. Try again."
        super().__init__(503, detail, headers={"Retry-After": "1"})


class Circuit:
    """Opens when a call fails; while it is open, one call in each PAUSE goes through as a probe.

    Each process has its own, and finds out by itself.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open = False
        self.probe_at = 0.0
        self.silent_until = 0.0

    def call(self, command: Callable[[], T]) -> T:
        """What `command` returns; Unavailable when Redis cannot, or was away a moment ago."""
        probe = self.open
        if probe and not self.may_probe():
            raise Unavailable
        try:
            result = command()
        except AWAY as error:
            self.turn(True, error)
            raise Unavailable from error
        except redis.ResponseError as error:
            if probe:  # and it has answered
                self.turn(False)
            if error.status_code in WRONG:
                raise
            self.complain(error)
            raise Unavailable from error
        # Any other answer may be one from before an outage, read late: it says nothing of now.
        if probe:
            self.turn(False)
        return result

    def may_probe(self) -> bool:
        with self.lock:
            due = time.monotonic() >= self.probe_at
            if due:
                # Taken by this thread: the others go on without Redis while it waits.
                self.probe_at = time.monotonic() + PAUSE
        return due

    def turn(self, opened: bool, error: Exception | None = None) -> None:
        with self.lock:
            if self.open == opened:
                return
            self.open = opened
            self.probe_at = time.monotonic() + PAUSE
        if opened:
            logger.error("redis is away, going on without it: %s", error)
        else:
            logger.warning("redis is back")

    def complain(self, error: Exception) -> None:
        with self.lock:
            silent = time.monotonic() < self.silent_until
            if not silent:
                self.silent_until = time.monotonic() + MINUTE
        if not silent:
            logger.error("redis refuses: %s", error)


circuit = Circuit()


class Client(redis.Redis):
    """A client whose every command goes through the circuit."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        command = super().execute_command
        return circuit.call(lambda: command(*args, **options))  # type: ignore[no-untyped-call]


# Any, for redis-py cannot say that what comes back is bytes.
client: Any = Client.from_url(settings.REDIS_URL, **OPTIONS)


class CacheClient(RedisCacheClient):
    """The client of Django's cache, which is empty while Redis is away.

    Deleting still fails then: a session that Redis has kept has not ended, and who logs out must be
    told so.
    """

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **OPTIONS, **options)
        self._client = Client

    def get(self, key: Any, default: Any) -> Any:
        try:
            return super().get(key, default)
        except Unavailable:
            return default

    def set(self, key: Any, value: Any, timeout: Any) -> None:
        with suppress(Unavailable):
            super().set(key, value, timeout)

    def has_key(self, key: Any) -> bool:
        try:
            return super().has_key(key)
        except Unavailable:
            return False


class Cache(RedisCache):
    """Django's cache in Redis, by the client above."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = CacheClient
