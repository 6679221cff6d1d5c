from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """What reads all posts, while others write. Stopped half-way, it can run again."""

    # CREATE INDEX CONCURRENTLY cannot run in a transaction.
    atomic = False

    dependencies = [("blog", "0008_publish_at")]

    operations = [
        ValidateConstraint("post", "post_scheduled_is_draft"),
        # As in 0004_author_column, for an index that is not valid may be left from the last time.
        migrations.RunSQL(
            [
                "DROP INDEX CONCURRENTLY IF EXISTS post_due",
                "CREATE INDEX CONCURRENTLY post_due ON blog_post (publish_at)"
                " WHERE publish_at IS NOT NULL",
            ],
            "DROP INDEX CONCURRENTLY IF EXISTS post_due",
            state_operations=[
                migrations.AddIndex(
                    "post",
                    models.Index(
                        fields=["publish_at"],
                        condition=Q(publish_at__isnull=False),
                        name="post_due",
                    ),
                ),
            ],
        ),
    ]
