from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import User
from blog.cache import AUTHORS, POSTS, drop_on_commit


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]
    """Where roles are given and accounts closed."""

    add_fieldsets = [
        (None, {"fields": ["email", "name", "usable_password", "password1", "password2"]})
    ]
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
    ]
    list_display = ["email", "name", "is_active", "is_staff"]
    ordering = ["email"]
    search_fields = ["email", "name"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        drop_on_commit(POSTS, AUTHORS)
