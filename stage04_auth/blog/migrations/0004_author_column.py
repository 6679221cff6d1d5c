import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def author(model: str, related_name: str) -> list[Operation]:
    table, index = f"blog_{model}", f"{model}_of_author"
    field = models.ForeignKey(
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=settings.AUTH_USER_MODEL,
    )
    return [
        # ACCESS EXCLUSIVE, for a moment: a column without a default is a note in the catalogue,
        # and a foreign key of nothing but NULL needs no look at the rows.
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS author_id bigint"
            " REFERENCES accounts_user DEFERRABLE INITIALLY DEFERRED",
            f"ALTER TABLE {table} DROP COLUMN IF EXISTS author_id",
            state_operations=[migrations.AddField(model, "author", field)],
        ),
        # SHARE UPDATE EXCLUSIVE: rows are read and written while it reads the table, twice. Stopped
        # meanwhile, it leaves an index that is not valid, and that no IF NOT EXISTS would replace.
        migrations.RunSQL(
            [
                f"DROP INDEX CONCURRENTLY IF EXISTS {index}",
                f"CREATE INDEX CONCURRENTLY {index} ON {table} (author_id)",
            ],
            f"DROP INDEX CONCURRENTLY IF EXISTS {index}",
            state_operations=[
                migrations.AddIndex(model, models.Index(fields=["author"], name=index))
            ],
        ),
    ]


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY does not run in a transaction, so each statement commits by itself.
    # One that does not get its lock in time stops the migration half-way: all can run again.
    atomic = False

    dependencies = [
        ("accounts", "0003_owner_of_the_old"),
        ("blog", "0003_revisions"),
    ]

    operations = [*author("post", "posts"), *author("comment", "comments")]
