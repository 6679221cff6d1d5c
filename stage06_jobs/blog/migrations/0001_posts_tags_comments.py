import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(db_collation="C", max_length=40)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["name"], name="tag_name_unique"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Post",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(db_index=False, max_length=80)),
                ("title", models.CharField(max_length=200)),
                ("body", models.TextField()),
                ("tag_set", models.ManyToManyField(related_name="posts", to="blog.tag")),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "draft"), ("published", "published")],
                        default="draft",
                        max_length=9,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("published_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["slug"], name="post_slug_unique"),
                    models.CheckConstraint(
                        condition=models.Q(status="draft", published_at=None)
                        | models.Q(status="published", published_at__isnull=False),
                        name="post_published_at_says_when",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="post_newest"),
                    models.Index(
                        fields=["-created_at", "-id"],
                        condition=models.Q(status="published"),
                        name="post_newest_published",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="blog.post",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["post", "-created_at", "-id"], name="comment_newest"),
                ],
            },
        ),
    ]
