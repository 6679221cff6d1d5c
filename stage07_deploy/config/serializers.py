"""Fields that take a value as it is or refuse it; DRF's own turn 1 into "1" and "yes" into true."""

import re
from datetime import date, datetime
from typing import Any

from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError


class StrictSerializer(serializers.Serializer[Any]):
    """Tells a client of members that it does not know, where DRF drops them."""

    def to_internal_value(self, data: dict[str, Any]) -> dict[str, Any]:
        fields = sorted(name for name, field in self.fields.items() if not field.read_only)
        unknown = [f"Unknown. Allowed: {', '.join(fields)}."]
        errors: dict[str, Any] = {name: unknown for name in data if name not in fields}
        try:
            values: dict[str, Any] = super().to_internal_value(data)
        except ValidationError as error:
            errors |= error.detail  # type: ignore[arg-type]
        if errors:
            raise ValidationError(errors)
        return values

    @cached_property
    def list_url(self) -> str:
        """What the URL of every row begins with; asking the router row by row would cost more."""
        return str(self.context["view"].reverse_action("list"))


class Text(serializers.CharField):
    """Any Unicode but NUL and half of a surrogate pair, as it was sent: nothing is trimmed."""

    # What it has to hold unless it may be blank, for the API's description: anything that strip()
    # would leave. \S means other characters in other languages.
    pattern = r"[^\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not self.allow_blank and not data.strip():
            self.fail("blank")
        return data


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class CalendarDate(serializers.DateField):
    """A date in the extended form of ISO 8601, which is the one of RFC 3339."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


# RFC 3339 §5.6, but for leap seconds and for years that nobody means.
INSTANT = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


@extend_schema_field({"type": "string", "format": "date-time", "pattern": INSTANT})
class Instant(serializers.DateTimeField):
    """A time from the years 1000 to 2999; without an offset it is none."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not re.fullmatch(INSTANT, value):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        return super().to_internal_value(value)
