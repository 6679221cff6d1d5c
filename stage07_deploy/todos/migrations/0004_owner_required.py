import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # The steps and their locks are those of blog.0006_author_required.
    atomic = False

    dependencies = [("todos", "0003_owner_of_the_old")]

    operations = [
        AddConstraintNotValid(
            "todo",
            models.CheckConstraint(condition=models.Q(owner__isnull=False), name="todo_has_owner"),
        ),
        ValidateConstraint("todo", "todo_has_owner"),
        migrations.AlterField(
            "todo",
            "owner",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="todos",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RemoveConstraint("todo", "todo_has_owner"),
    ]
