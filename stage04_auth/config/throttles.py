"""How often an address, an account or a user may do what; 429 with Retry-After beyond that.

DRF's throttles look, compare and count in three steps, in the memory of one process: two requests
at once can both be the last one allowed, and each further process allows as many again.
"""

import hashlib
from math import ceil
from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle, UserRateThrottle

from config.problems import Problem


class Writes(UserRateThrottle):
    """Counts the writes of a user, or of an address where no user is known."""

    scope = "writes"

    def allow_request(self, request: Request, view: Any) -> bool:
        return request.method in SAFE_METHODS or super().allow_request(request, view)


class Attempts(SimpleRateThrottle):
    """Counts in `scope` for `whom`."""

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
        attempts = Attempts(scope, whom)
        if not attempts.allow_request(request, None):  # type: ignore[arg-type]
            wait = {"Retry-After": str(ceil(attempts.wait() or 1))}
            raise Problem(429, "Too many attempts. Wait before the next.", headers=wait)
