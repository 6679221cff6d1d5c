import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    # The steps and their locks are those of blog.0006_author_required.
    atomic = False

    dependencies = [("todos", "0003_owner_of_the_old")]

    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE todos_todo DROP CONSTRAINT IF EXISTS todo_has_owner,"
                " ADD CONSTRAINT todo_has_owner CHECK (owner_id IS NOT NULL) NOT VALID",
                "ALTER TABLE todos_todo VALIDATE CONSTRAINT todo_has_owner",
                "ALTER TABLE todos_todo ALTER COLUMN owner_id SET NOT NULL",
                "ALTER TABLE todos_todo DROP CONSTRAINT todo_has_owner",
            ],
            "ALTER TABLE todos_todo ALTER COLUMN owner_id DROP NOT NULL",
            state_operations=[
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
            ],
        ),
    ]
