from typing import Any

from django.db import migrations

EMAIL = "before-accounts@example.invalid"
BATCH = 1000


def give_to_account(apps: Any, schema_editor: Any) -> None:
    account = apps.get_model("accounts", "User").objects.get(email=EMAIL)
    rows = apps.get_model("todos", "Todo").objects.filter(owner=None)
    while ids := list(rows.values_list("id", flat=True)[:BATCH]):
        rows.filter(id__in=ids).update(owner=account)


class Migration(migrations.Migration):
    # A batch is a transaction, as in blog.0005_author_of_the_old.
    atomic = False

    dependencies = [("todos", "0002_owner_column")]

    operations = [migrations.RunPython(give_to_account, migrations.RunPython.noop)]
