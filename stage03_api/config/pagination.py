"""Pages by cursor: a page starts next to a row, not at a number, so new rows never shift it."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.db.models import CharField, DateField, DateTimeField, Field, Q, QuerySet
from django.db.models.expressions import F, OrderBy
from drf_spectacular.plumbing import build_parameter_type
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
PAGE_PARAMETERS = ("cursor", "page_size")


class Cursor(NamedTuple):
    """A place in a list: "after" or "before" the row with this value, by which it is sorted."""

    direction: str
    value: Any
    id: int

    def encode(self) -> str:
        value = self.value.isoformat() if isinstance(self.value, date) else self.value or ""
        place = f"{self.direction} {value} {self.id}"
        return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def parse(value: str, field: "Field[Any, Any]") -> Any:
    """The value of `field` that a cursor holds as `value`; ValueError for what none can hold."""
    if field.null and not value:
        return None
    if isinstance(field, DateTimeField) and (time := datetime.fromisoformat(value)).tzinfo == UTC:
        return time
    if type(field) is DateField:
        return date.fromisoformat(value)
    if isinstance(field, CharField) and "\0" not in value:
        return value
    raise ValueError


def cursor(token: str, field: "Field[Any, Any]") -> Cursor:
    """The cursor that was encoded as `token`, by values of `field`; ValueError for any other."""
    try:
        place = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        direction, rest = place.split(" ", 1)
        value, pk = rest.rsplit(" ", 1)
        if direction in ("after", "before"):
            return Cursor(direction, parse(value, field), int(pk))
    except ValueError:
        pass
    raise ValueError("Must come from a next or previous link.")


def page_size(value: str) -> int:
    if re.fullmatch("[0-9]{1,3}", value) and 1 <= int(value) <= MAX_PAGE_SIZE:
        return int(value)
    raise ValueError(f"Must be a whole number from 1 to {MAX_PAGE_SIZE}.")


class Order(NamedTuple):
    """By a field and then by id; rows without a value come last, whatever the direction."""

    field: str
    descending: bool
    nullable: bool = False
    nulls_last: bool = True

    def opposite(self) -> "Order":
        return self._replace(descending=not self.descending, nulls_last=not self.nulls_last)

    def sort(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        nulls = {"nulls_last" if self.nulls_last else "nulls_first": self.nullable or None}
        by = OrderBy(F(self.field), descending=self.descending, **nulls)
        return rows.order_by(by, "-id" if self.descending else "id")

    def beyond(self, cursor: Cursor, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows past the place of `cursor`, sorted."""
        past = "lt" if self.descending else "gt"
        # Rows of one value are told apart by their id.
        tie = Q((f"id__{past}", cursor.id))
        null = Q((f"{self.field}__isnull", True))
        if cursor.value is None:
            return self.sort(rows.filter(null & tie if self.nulls_last else ~null | tie))
        # This bound alone says nothing new, but it is the one from which an index can start.
        bound = Q((f"{self.field}__{past}e", cursor.value))
        place = bound & (Q((f"{self.field}__{past}", cursor.value)) | tie)
        return self.sort(rows.filter(place | null if self.nullable and self.nulls_last else place))


def older(cursor: Cursor, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows past `cursor` in a list that is sorted as lists are by default."""
    return Order("created_at", descending=True).beyond(cursor, rows)


class CursorPagination(BasePagination):
    """Pages as `{next, previous, results}`; a link is null where nothing lies.

    They follow the order of the rows, which has to be by one field; without one, the newest first.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        name = str((*queryset.query.order_by, "-created_at")[0])
        field = queryset.model._meta.get_field(name.lstrip("-"))
        self.request = request
        self.order = Order(field.name, name.startswith("-"), field.null)
        self.cursor = self.parameter("cursor", lambda token: cursor(token, field), None)
        size = self.parameter("page_size", page_size, PAGE_SIZE)
        # One row more than asked for tells whether anything lies beyond, without counting.
        page = self.rows_at(queryset, size + 1)
        beyond = len(page) > size
        if self.cursor and self.cursor.direction == "before":
            self.page, self.has_previous, self.has_next = page[-size:], beyond, True
        else:
            self.page, self.has_previous, self.has_next = page[:size], bool(self.cursor), beyond
        return self.page

    def parameter(self, name: str, parse: Callable[[str], Any], default: Any) -> Any:
        if name not in self.request.query_params:
            return default
        try:
            return parse(self.request.query_params[name])
        except ValueError as error:
            raise ValidationError({name: [str(error)]}) from None

    def rows_at(self, rows: QuerySet[Any], limit: int) -> list[Any]:
        """The `limit` rows next to the cursor, in order; without one, the first of all."""
        if self.cursor is None:
            return list(self.order.sort(rows)[:limit])
        if self.cursor.direction == "after":
            return list(self.order.beyond(self.cursor, rows)[:limit])
        return list(self.order.opposite().beyond(self.cursor, rows)[:limit])[::-1]

    def link(self, direction: str, row: Any) -> str:
        query = self.request.query_params.copy()
        query["cursor"] = Cursor(direction, getattr(row, self.order.field), row.id).encode()
        return str(self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}"))

    def get_paginated_response(self, data: Any) -> Response:
        following = self.link("after", self.page[-1]) if self.page and self.has_next else None
        previous = self.link("before", self.page[0]) if self.page and self.has_previous else None
        return Response({"next": following, "previous": previous, "results": data})

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE}
        place = "Where the page begins: taken from a next or previous link."
        return [
            build_parameter_type("cursor", {"type": "string"}, "query", description=place),
            build_parameter_type("page_size", size, "query", description="How many at most."),
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": list(properties), "properties": properties}
