import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The steps and their locks are those of blog.0004_author_column.
    atomic = False

    dependencies = [
        ("accounts", "0003_owner_of_the_old"),
        ("todos", "0001_todos"),
    ]

    operations = [
        migrations.AddField(
            "todo",
            "owner",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="todos",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        AddIndexConcurrently(
            "todo", models.Index(fields=["owner", "-created_at", "-id"], name="todo_of_owner")
        ),
    ]
