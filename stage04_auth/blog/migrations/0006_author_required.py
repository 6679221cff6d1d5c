import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def required(model: str, related_name: str) -> migrations.RunSQL:
    """NOT NULL without a look at all rows under the lock that keeps everybody out.

    Django's AlterField would also drop the foreign key and check it anew, row by row.
    """
    table, check = f"ALTER TABLE blog_{model}", f"{model}_has_author"
    field = models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=settings.AUTH_USER_MODEL,
    )
    return migrations.RunSQL(
        [
            # ACCESS EXCLUSIVE, for a moment: it holds for what is written from now on.
            f"{table} DROP CONSTRAINT IF EXISTS {check},"
            f" ADD CONSTRAINT {check} CHECK (author_id IS NOT NULL) NOT VALID",
            # SHARE UPDATE EXCLUSIVE: rows are read and written while it looks at them all.
            f"{table} VALIDATE CONSTRAINT {check}",
            # ACCESS EXCLUSIVE, for a moment: the constraint proves that no row has to be looked at.
            f"{table} ALTER COLUMN author_id SET NOT NULL",
            f"{table} DROP CONSTRAINT {check}",
        ],
        f"{table} ALTER COLUMN author_id DROP NOT NULL",
        state_operations=[migrations.AlterField(model, "author", field)],
    )


class Migration(migrations.Migration):
    # In one transaction the first lock would be held until the last step has ended. Stopped
    # half-way, it can run again, as blog.0004_author_column can.
    atomic = False

    dependencies = [("blog", "0005_author_of_the_old")]

    operations = [required("post", "posts"), required("comment", "comments")]
