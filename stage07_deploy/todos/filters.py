from datetime import date

from django_filters import FilterSet
from rest_framework.serializers import ChoiceField

from config.filters import Ordering, Parameter
from config.serializers import CalendarDate, Text
from todos.models import TodoQuerySet


class TodoFilters(FilterSet):
    done = Parameter(ChoiceField(["true", "false"]), method="by_done")
    post = Parameter(Text(max_length=80, help_text="The slug of a post."), method="by_post")
    due_before = Parameter(CalendarDate(), method="by_day")
    ordering = Ordering("created_at", "due_on")

    def by_done(self, todos: TodoQuerySet, name: str, value: str) -> TodoQuerySet:
        return todos.done(value == "true")

    def by_post(self, todos: TodoQuerySet, name: str, value: str) -> TodoQuerySet:
        return todos.on(value)

    def by_day(self, todos: TodoQuerySet, name: str, value: date) -> TodoQuerySet:
        return todos.due_before(value)
