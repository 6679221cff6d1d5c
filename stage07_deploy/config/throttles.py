"""How often an address, an account or a user may do what; 429 with Retry-After beyond that.

DRF's throttles look, compare and count in three steps, in the memory of one process: two requests
at once can both be the last one allowed, and each further process allows as many again. Ours do it
in one step in Redis, for all processes and by its clock.
"""

import hashlib
from math import ceil
from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle, UserRateThrottle

from config.problems import Problem
from config.redis import Unavailable, client

# A sliding window: when each request was, in microseconds, for as long as that matters. Gives how
# long to wait, and counts the request only if that is not at all.
TAKE = client.register_script("""
    local time = redis.call('TIME')
    local now, limit, window = time[1] * 1000000 + time[2], tonumber(ARGV[1]), tonumber(ARGV[2])
    local oldest = tonumber(redis.call('LINDEX', KEYS[1], 0))
    while oldest and oldest <= now - window do
        redis.call('LPOP', KEYS[1])
        oldest = tonumber(redis.call('LINDEX', KEYS[1], 0))
    end
    if redis.call('LLEN', KEYS[1]) >= limit then
        return oldest + window - now
    end
    redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
    redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
    return 0
""")


class Shared(SimpleRateThrottle):
    """A throttle whose counts are in Redis; Unavailable when that is away."""

    def allow_request(self, request: Request, view: Any) -> bool:
        key = self.get_cache_key(request, view)
        number, seconds = self.parse_rate(self.get_rate())
        self.microseconds = int(TAKE(keys=[key], args=[number, 1_000_000 * (seconds or 0)]))
        return self.microseconds == 0

    def wait(self) -> float:
        return self.microseconds / 1_000_000


class Writes(Shared, UserRateThrottle):
    """Counts the writes of a user, or of an address where no user is known.

    While Redis is away it lets them through: it is there against floods, not against guessing.
    """

    scope = "writes"

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return request.method in SAFE_METHODS or super().allow_request(request, view)
        except Unavailable:
            return True


class Attempts(Shared):
    """Counts in `scope` for `whom`. While Redis is away nobody may try: who guesses passwords could
    otherwise wait for that, or bring it about.
    """

    def __init__(self, scope: str, whom: str) -> None:
        self.scope = scope
        # Anybody can send anything as the name of an account; a hash is short and plain.
        self.whom = hashlib.sha256(whom.lower().encode()).hexdigest()
        super().__init__()

    def get_cache_key(self, request: Any, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.whom}


def count_attempt(request: HttpRequest, scope: str, account: str) -> None:
    """Counts for the address of the request and for `account`; a problem with 429 at too many."""
    address = Attempts(scope, "").get_ident(request)  # type: ignore[arg-type]
    # Told apart, or who logs in under an address for a name would use up what that one may.
    for whom in (f"address {address}", f"account {account}"):
        count(request, scope, whom)


def count(request: Any, scope: str, whom: str) -> None:
    attempts = Attempts(scope, whom)
    if not attempts.allow_request(request, None):
        wait = {"Retry-After": str(ceil(attempts.wait()))}
        raise Problem(429, "Too many attempts. Wait before the next.", headers=wait)
