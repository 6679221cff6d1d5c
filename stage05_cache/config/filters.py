"""Query parameters; one that cannot be understood is refused by name, never ignored."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django_filters import Filter
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from config.pagination import PAGE_PARAMETERS


class StrictFilterBackend(DjangoFilterBackend):
    """Filters by the `filterset_class` of a view, if it has one."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        if not request.query_params:
            # The form alone would take as long as the query of a page.
            return queryset
        filterset = self.get_filterset(request, queryset, view)
        known = sorted([*PAGE_PARAMETERS, *(filterset.filters if filterset else ())])
        # Not by django-filter's own translation, which fails on a message with a % in it.
        errors = {name: list(e) for name, e in filterset.errors.items()} if filterset else {}
        for name, values in request.query_params.lists():
            if name not in known:
                errors[name] = [f"Unknown. Allowed: {', '.join(known)}."]
            elif len(values) > 1:
                errors[name] = ["Given more than once."]
        if errors:
            raise ValidationError(errors)
        return filterset.qs if filterset else queryset


class Parameter(Filter):
    """A parameter that a serializer's field reads, so that it is told, and documented, as one."""

    def __init__(self, reader: serializers.Field[Any, Any, Any, Any], **kwargs: Any) -> None:
        super().__init__(reader=reader, **kwargs)
        extend_schema_field(reader)(self)

    class field_class(forms.Field):  # noqa: N801, the name is django-filter's
        def __init__(self, *, reader: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.reader = reader

        def clean(self, value: str | None) -> Any:
            if value is None:
                return None
            try:
                return self.reader.run_validation(value)
            except ValidationError as error:
                raise forms.ValidationError([str(message) for message in error.detail]) from None


class Ordering(Parameter):
    """Sorts by one of `fields`; a hyphen before it turns the order round."""

    def __init__(self, *fields: str) -> None:
        choices = [sign + field for field in fields for sign in ("", "-")]
        super().__init__(serializers.ChoiceField(choices, help_text="What to sort by."))

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        return qs.order_by(value) if value else qs
