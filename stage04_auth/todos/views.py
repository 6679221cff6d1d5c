from typing import Any

from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from accounts.permissions import MayAdd, MayChange
from config.resources import Resource
from todos import services
from todos.filters import TodoFilters
from todos.models import Todo, TodoQuerySet
from todos.renderers import TodosCSV
from todos.serializers import TodoSerializer


class TodoViewSet(Resource, ModelViewSet[Todo]):
    queryset = Todo.objects.with_details()
    serializer_class = TodoSerializer
    permission_classes = [IsAuthenticated, MayAdd, MayChange]
    filterset_class = TodoFilters
    lookup_value_converter = "int"
    conflicts = ("create", "update", "partial_update")

    def get_renderers(self) -> list[BaseRenderer]:
        # A page of a list is a table; a single to-do is none.
        return super().get_renderers() + ([TodosCSV()] if self.action == "list" else [])

    def get_queryset(self) -> TodoQuerySet:
        user: Any = self.request.user
        return self.queryset.all().visible_to(user)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        owner: Any = self.request.user
        serializer.instance = services.create_todo(owner=owner, **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        todo: Any = serializer.instance
        changes = serializer.validated_data
        check = self.precondition()
        serializer.instance = services.update_todo(todo=todo, changes=changes, precondition=check)

    def perform_destroy(self, instance: Todo) -> None:
        services.delete_todo(todo=instance, precondition=self.precondition())
