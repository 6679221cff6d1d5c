from typing import Any

from django.db import migrations

# Each role may what the one before may, and more.
ROLES = {
    "reader": ["blog.add_comment", "todos.add_todo"],
    "author": ["blog.add_post"],
    "editor": [
        "blog.view_post",
        "blog.change_post",
        "blog.delete_comment",
        "todos.view_todo",
        "todos.change_todo",
    ],
}


def make_roles(apps: Any, schema_editor: Any) -> None:
    permitted = []
    for role, names in ROLES.items():
        permitted += [permission(apps, name) for name in names]
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*permitted)


def permission(apps: Any, name: str) -> Any:
    """The permission, made here if need be: Django makes its own only after all migrations."""
    app, codename = name.split(".")
    action, model = codename.split("_")
    kinds = apps.get_model("contenttypes", "ContentType").objects
    kind, _ = kinds.get_or_create(app_label=app, model=model)
    permissions = apps.get_model("auth", "Permission").objects
    defaults = {"name": f"Can {action} {model}"}
    return permissions.get_or_create(content_type=kind, codename=codename, defaults=defaults)[0]


def remove_roles(apps: Any, schema_editor: Any) -> None:
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_users"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_roles, remove_roles)]
