from django.http import HttpRequest, HttpResponse

from config.http import Resource, precondition, read_json, read_query, respond, respond_created
from config.pagination import PAGE_PARAMETERS, paginate
from config.validation import validate
from todos import services
from todos.filters import TODO_PARAMETERS, filter_todos
from todos.models import Todo
from todos.serializers import TODO_FIELDS, represent_todo


class TodoList(Resource):
    def get(self, request: HttpRequest) -> HttpResponse:
        query = validate(read_query(request), TODO_PARAMETERS | PAGE_PARAMETERS)
        return respond(request, paginate(request, filter_todos(query), query, represent_todo))

    def post(self, request: HttpRequest) -> HttpResponse:
        todo = services.create_todo(**validate(read_json(request), TODO_FIELDS))
        return respond_created(request, represent_todo(todo), "todo-detail", todo.id)


class TodoDetail(Resource):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return respond(request, represent_todo(Todo.objects.with_details().get(id=pk)))

    def patch(self, request: HttpRequest, pk: int) -> HttpResponse:
        todo = Todo.objects.get(id=pk)
        partial = request.method == "PATCH"
        changes = validate(read_json(request), TODO_FIELDS, partial=partial)
        check = precondition(request, represent_todo)
        todo = services.update_todo(todo=todo, changes=changes, precondition=check)
        return respond(request, represent_todo(todo))

    put = patch

    def delete(self, request: HttpRequest, pk: int) -> HttpResponse:
        check = precondition(request, represent_todo)
        services.delete_todo(todo=Todo.objects.get(id=pk), precondition=check)
        return HttpResponse(status=204)
