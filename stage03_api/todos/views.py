from typing import Any

from rest_framework.renderers import BaseRenderer
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from config.resources import Resource
from todos import services
from todos.filters import TodoFilters
from todos.models import Todo
from todos.renderers import TodosCSV
from todos.serializers import TodoSerializer


class TodoViewSet(Resource, ModelViewSet[Todo]):
    queryset = Todo.objects.with_details()
    serializer_class = TodoSerializer
    filterset_class = TodoFilters
    lookup_value_converter = "int"
    conflicts = ("create", "update", "partial_update")

    def get_renderers(self) -> list[BaseRenderer]:
        # A page of a list is a table; a single to-do is none.
        return super().get_renderers() + ([TodosCSV()] if self.action == "list" else [])

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = services.create_todo(**serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        todo: Any = serializer.instance
        changes = serializer.validated_data
        check = self.precondition()
        serializer.instance = services.update_todo(todo=todo, changes=changes, precondition=check)

    def perform_destroy(self, instance: Todo) -> None:
        services.delete_todo(todo=instance, precondition=self.precondition())
