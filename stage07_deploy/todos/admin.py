from django.contrib import admin

from config.admin import ReadOnlyAdmin
from todos.models import Todo


@admin.register(Todo)
class TodoAdmin(ReadOnlyAdmin):
    list_display = ["title", "owner", "post", "done", "due_on"]
    list_filter = ["done"]
    list_select_related = ["owner", "post"]
