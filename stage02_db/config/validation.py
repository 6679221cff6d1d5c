"""Fields that accept a value or say what is wrong with it; all faults are told at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from config.problems import Problem

# PostgreSQL and C strings end at NUL, and half a surrogate pair has no UTF-8 form (RFC 3629 §3).
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Field:
    """One member of a body or one parameter of a query.

    `clean` returns the value to store, or raises ValueError with a sentence for the client.
    """

    clean: Callable[[Any], Any]
    default: Any = None
    required: bool = False


def validate(
    data: Mapping[str, Any], fields: Mapping[str, Field], *, partial: bool = False
) -> dict[str, Any]:
    """The clean values of `data`; what is absent gets its default, or stays absent if `partial`.

    Raises a problem with 400 that names every unknown, missing and unacceptable member.
    """
    allowed = ", ".join(sorted(fields))
    errors = {name: [f"Unknown. Allowed: {allowed}."] for name in data if name not in fields}
    values = {}
    for name, field in fields.items():
        if name in data:
            try:
                values[name] = field.clean(data[name])
            except ValueError as error:
                errors[name] = [str(error)]
        elif field.required and not partial:
            errors[name] = ["This field is required."]
        elif not partial:
            values[name] = field.default
    if errors:
        raise Problem(400, "Some values cannot be accepted.", errors)
    return values


def text(*, max_length: int, blank: bool = False) -> Callable[[Any], str]:
    def clean(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("Must be a string.")
        if UNSTORABLE.search(value):
            raise ValueError("Must not hold NUL or half of a surrogate pair.")
        if not blank and not value.strip():
            raise ValueError("Must not be blank.")
        if len(value) > max_length:
            raise ValueError(f"Must have at most {max_length} characters.")
        return value

    return clean


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Must be true or false.")
    return value


def calendar_date(value: Any) -> date | None:
    """A date or null; only the extended form of ISO 8601, which is the one of RFC 3339."""
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("Must be a date like 2026-01-31, or null.")
    return date.fromisoformat(value)


def choice(*allowed: str) -> Callable[[Any], str]:
    def clean(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"Must be one of: {', '.join(allowed)}.")
        return str(value)

    return clean
