import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    # The steps and their locks are those of blog.0004_author_column.
    atomic = False

    dependencies = [
        ("accounts", "0003_owner_of_the_old"),
        ("todos", "0001_todos"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE todos_todo ADD COLUMN IF NOT EXISTS owner_id bigint"
            " REFERENCES accounts_user DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE todos_todo DROP COLUMN IF EXISTS owner_id",
            state_operations=[
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
            ],
        ),
        migrations.RunSQL(
            [
                "DROP INDEX CONCURRENTLY IF EXISTS todo_of_owner",
                "CREATE INDEX CONCURRENTLY todo_of_owner"
                " ON todos_todo (owner_id, created_at DESC, id DESC)",
            ],
            "DROP INDEX CONCURRENTLY IF EXISTS todo_of_owner",
            state_operations=[
                migrations.AddIndex(
                    "todo",
                    models.Index(fields=["owner", "-created_at", "-id"], name="todo_of_owner"),
                ),
            ],
        ),
    ]
