from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """What takes a moment, however many posts there are, though nobody can write meanwhile."""

    dependencies = [("blog", "0007_trending_is_a_path")]

    operations = [
        migrations.AddField("post", "publish_at", models.DateTimeField(null=True)),
        # The default of the database, so that a web process of the version before can still insert.
        migrations.AddField(
            "post", "views", models.PositiveBigIntegerField(default=0, db_default=0)
        ),
        migrations.CreateModel(
            "Flush",
            fields=[("id", models.UUIDField(primary_key=True, serialize=False))],
            options={"verbose_name_plural": "flushes"},
        ),
        AddConstraintNotValid(
            "post",
            models.CheckConstraint(
                condition=Q(publish_at=None) | Q(status="draft"), name="post_scheduled_is_draft"
            ),
        ),
    ]
