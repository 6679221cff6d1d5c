"""`Idempotency-Key`: a POST that is sent twice is done once (draft-ietf-httpapi-idempotency-key).

Answers are kept in Redis. What that promises ends with it: if Redis loses its data, or we die
between the commit and the keeping of the answer, a repeated request is done again.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from config.problems import Problem
from config.redis import Unavailable, client
from config.throttles import count

HEADER = "Idempotency-Key"
KEY = re.compile(r"[!-~]{1,255}")
KEPT = 24 * 3600  # Seconds for which an answer is kept.
LARGEST = 64 * 1024  # Bytes of a body that is kept.
CLAIMED = 60  # Seconds after which a request that has left no answer is taken for dead.

Handler = Callable[..., Response]


def once(handler: Handler) -> Handler:
    """Makes `handler` answer a key that its user has sent before with the answer of that time.

    A problem is not kept: nothing was stored, so the same key may try again. Raises a problem with
    409 while the first request is at work, 422 when the key comes with another request, 429 when
    there are too many, and Unavailable when Redis is away: then nobody can say whether it is the
    first time.
    """

    def handle(request: Request, *args: Any, **kwargs: Any) -> Response:
        if not KEY.fullmatch(request.headers[HEADER]):
            raise Problem(400, f"{HEADER} must be 1 to 255 characters of ASCII without spaces.")
        # What one user can make us keep is bounded by the number of keys and the size of a body.
        count(request, "idempotency", str(request.user.pk))
        place = f"idempotency:{request.user.pk}:{request.headers[HEADER]}"
        claim = {"request": fingerprint(request)}
        # Who sets it does the work. In one step, or two that race would both find nothing.
        found = client.set(place, json.dumps(claim), nx=True, get=True, ex=CLAIMED)
        if found is not None:
            return replay(json.loads(found), claim)
        try:
            response = handler(request, *args, **kwargs)
        except Exception:
            with suppress(Unavailable):
                client.delete(place)
            raise
        with suppress(Unavailable):
            client.set(place, json.dumps(claim | content_of(response)), ex=KEPT)
        return response

    return handle


def fingerprint(request: Request) -> str:
    """Tells requests apart by what they ask for."""
    target = f"{request.method} {request.get_full_path()}\n"
    return sha256(target.encode() + request._request.body).hexdigest()


def content_of(response: Response) -> dict[str, Any]:
    body = JSONRenderer().render(response.data)
    # Without it, an answer still says where to read what was made.
    data = json.loads(body) if len(body) <= LARGEST else None
    return {"status": response.status_code, "data": data, "headers": dict(response.items())}


def replay(kept: dict[str, Any], claim: dict[str, Any]) -> Response:
    if kept["request"] != claim["request"]:
        raise Problem(422, f"This {HEADER} has come with another request.")
    if "status" not in kept:
        headers = {"Retry-After": "1"}
        raise Problem(409, f"The request with this {HEADER} is still at work.", headers=headers)
    return Response(kept["data"], kept["status"], headers=kept["headers"])
