from django.urls import path

from todos.views import TodoDetail, TodoList

urlpatterns = [
    path("todos/", TodoList.as_view(), name="todo-list"),
    path("todos/<int:pk>/", TodoDetail.as_view(), name="todo-detail"),
]
