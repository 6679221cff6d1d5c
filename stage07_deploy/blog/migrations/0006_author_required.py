import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def required(model: str, related_name: str) -> list[Operation]:
    """NOT NULL without a look at all rows under the lock that keeps everybody out."""
    name = f"{model}_has_author"
    field = models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=settings.AUTH_USER_MODEL,
    )
    check = models.CheckConstraint(condition=models.Q(author__isnull=False), name=name)
    return [
        # ACCESS EXCLUSIVE, for a moment: it holds for what is written from now on.
        AddConstraintNotValid(model, check),
        # SHARE UPDATE EXCLUSIVE: rows are read and written while it looks at them all.
        ValidateConstraint(model, name),
        # ACCESS EXCLUSIVE, for a moment: the constraint proves that no row has to be looked at.
        migrations.AlterField(model, "author", field),
        migrations.RemoveConstraint(model, name),
    ]


class Migration(migrations.Migration):
    # In one transaction the first lock would be held until the last step has ended.
    atomic = False

    dependencies = [("blog", "0005_author_of_the_old")]

    operations = [*required("post", "posts"), *required("comment", "comments")]
