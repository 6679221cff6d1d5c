from typing import Any

from django.db import migrations

EMAIL = "before-accounts@example.invalid"
BATCH = 1000


def give_to_account(apps: Any, schema_editor: Any) -> None:
    account = apps.get_model("accounts", "User").objects.get(email=EMAIL)
    for name in ("Post", "Comment"):
        rows = apps.get_model("blog", name).objects.filter(author=None)
        while ids := list(rows.values_list("id", flat=True)[:BATCH]):
            rows.filter(id__in=ids).update(author=account)


class Migration(migrations.Migration):
    # A batch is a transaction: it locks its own rows (FOR NO KEY UPDATE), and not for long. Stopped
    # half-way, it goes on where it stopped.
    atomic = False

    dependencies = [("blog", "0004_author_column")]

    operations = [migrations.RunPython(give_to_account, migrations.RunPython.noop)]
