"""Pages by cursor: a page starts next to a row, not at a number, so new rows never shift it."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.http import HttpRequest

from config.http import Represent
from config.store import Table
from config.validation import Field

MAX_PAGE_SIZE = 100


class Cursor(NamedTuple):
    """A place in a list, newest first: "after" a row are the older ones, "before" it the newer."""

    direction: str
    created_at: datetime
    id: int

    def encode(self) -> str:
        place = f"{self.direction} {self.created_at.isoformat()} {self.id}"
        return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def cursor(token: str) -> Cursor:
    """The cursor that was encoded as `token`; ValueError for any other string."""
    try:
        place = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        direction, created_at, pk = place.split(" ")
        cursor = Cursor(direction, datetime.fromisoformat(created_at), int(pk))
        if direction in ("after", "before") and cursor.created_at.tzinfo == UTC:
            return cursor
    except ValueError:
        pass
    raise ValueError("Must come from a next or previous link.")


def page_size(value: str) -> int:
    if re.fullmatch("[0-9]{1,3}", value) and 1 <= int(value) <= MAX_PAGE_SIZE:
        return int(value)
    raise ValueError(f"Must be a whole number from 1 to {MAX_PAGE_SIZE}.")


PAGE_PARAMETERS = {"cursor": Field(cursor), "page_size": Field(page_size, default=20)}


def paginate(
    request: HttpRequest, rows: Table[Any], query: Mapping[str, Any], represent: Represent[Any]
) -> dict[str, object]:
    """One page of `rows` as `{next, previous, results}`; a link is null where nothing lies."""
    cursor, size = query["cursor"], query["page_size"]
    # One row more than asked for tells whether anything lies beyond, without counting.
    page = rows_at(cursor, rows, size + 1)
    beyond = len(page) > size
    if cursor and cursor.direction == "before":
        page, newer, older = page[-size:], beyond, True
    else:
        page, newer, older = page[:size], cursor is not None, beyond

    def link(direction: str, row: Any) -> str:
        query = request.GET.copy()
        query["cursor"] = Cursor(direction, row.created_at, row.id).encode()
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

    return {
        "next": link("after", page[-1]) if page and older else None,
        "previous": link("before", page[0]) if page and newer else None,
        "results": [represent(row) for row in page],
    }


def rows_at(cursor: Cursor | None, rows: Table[Any], limit: int) -> list[Any]:
    """The `limit` rows next to `cursor`, newest first; without one, the newest of all."""
    if cursor is None:
        return list(rows)[:limit]
    # Rows of one instant are told apart by their id.
    if cursor.direction == "after":
        return [row for row in rows if (row.created_at, row.id) < cursor[1:]][:limit]
    return [row for row in rows if (row.created_at, row.id) > cursor[1:]][-limit:]
