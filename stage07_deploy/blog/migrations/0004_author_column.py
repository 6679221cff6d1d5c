from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


def author(related_name: str) -> Any:
    return models.ForeignKey(
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY does not run in a transaction, so each step commits by itself.
    atomic = False

    dependencies = [
        ("accounts", "0003_owner_of_the_old"),
        ("blog", "0003_revisions"),
    ]

    operations = [
        # ACCESS EXCLUSIVE, for a moment: a column without a default is a note in the catalogue,
        # and a foreign key of nothing but NULL needs no look at the rows.
        migrations.AddField("post", "author", author("posts")),
        migrations.AddField("comment", "author", author("comments")),
        # SHARE UPDATE EXCLUSIVE: rows are read and written while it reads the table, twice.
        AddIndexConcurrently("post", models.Index(fields=["author"], name="post_of_author")),
        AddIndexConcurrently("comment", models.Index(fields=["author"], name="comment_of_author")),
    ]
