"""The database of this stage: tables in the memory of one process, behind one lock."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Generic, Self, TypeVar

from django.core.exceptions import ObjectDoesNotExist

# Whoever reads in order to write holds this lock from the read to the write.
lock = threading.RLock()


# A row is a frozen dataclass with `id` and `created_at`: whoever holds one holds it as it was read.
Row = TypeVar("Row", bound=Any)


class Table(Generic[Row]):
    """Rows by id, or a selection of them; iterates from the newest to the oldest."""

    def __init__(self, rows: dict[int, Row] | None = None) -> None:
        self._rows = rows if rows is not None else {}
        self._ids = count(1)

    def __iter__(self) -> Iterator[Row]:
        with lock:
            rows = list(self._rows.values())
        return iter(sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True))

    def where(self, test: Callable[[Row], bool]) -> Self:
        return type(self)({row.id: row for row in self if test(row)})

    def map(self, change: Callable[[Row], Row]) -> Self:
        return type(self)({row.id: change(row) for row in self})

    def get(self, **values: object) -> Row:
        for row in self:
            if all(getattr(row, name) == value for name, value in values.items()):
                return row
        raise ObjectDoesNotExist

    def insert(self, row: Row) -> Row:
        with lock:
            row = replace(row, id=next(self._ids))
            self._rows[row.id] = row
        return row

    def save(self, row: Row) -> None:
        self._rows[row.id] = row

    def delete(self, row: Row) -> None:
        self._rows.pop(row.id, None)
