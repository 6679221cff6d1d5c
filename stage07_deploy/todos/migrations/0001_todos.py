import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("blog", "0001_posts_tags_comments")]

    operations = [
        migrations.CreateModel(
            name="Todo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField()),
                ("done", models.BooleanField()),
                ("due_on", models.DateField(null=True)),
                (
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="todos",
                        to="blog.post",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="todo_newest"),
                    models.Index(fields=["post", "-created_at", "-id"], name="todo_of_post"),
                    models.Index(fields=["post"], condition=models.Q(done=False), name="todo_open"),
                    models.Index(
                        fields=["due_on"], condition=models.Q(done=False), name="todo_due"
                    ),
                ],
            },
        ),
    ]
