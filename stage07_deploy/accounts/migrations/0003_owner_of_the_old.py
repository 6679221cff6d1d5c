from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import migrations

EMAIL = "before-accounts@example.invalid"  # a domain that never can be (RFC 6761)


def make_account(apps: Any, schema_editor: Any) -> None:
    """The account that gets what was written before there were accounts; nobody can log in to it.

    An editor sees to what it owns.
    """
    users = apps.get_model("accounts", "User").objects
    fields = {"name": "Strata", "is_active": False, "password": make_password(None)}
    users.get_or_create(email=EMAIL, defaults=fields)


def remove_account(apps: Any, schema_editor: Any) -> None:
    apps.get_model("accounts", "User").objects.filter(email=EMAIL).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles")]

    operations = [migrations.RunPython(make_account, remove_account)]
