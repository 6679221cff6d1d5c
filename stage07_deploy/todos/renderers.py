from rest_framework_csv.renderers import PaginatedCSVRenderer

from todos.serializers import TodoSerializer


class TodosCSV(PaginatedCSVRenderer):
    """One page of to-dos as a table; in the order of the JSON, where the library would sort."""

    header = list(TodoSerializer().fields)
