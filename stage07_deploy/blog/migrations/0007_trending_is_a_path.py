from typing import Any

from django.db import migrations
from django.utils.crypto import get_random_string


def rename(apps: Any, schema_editor: Any) -> None:
    """Gives way to posts/trending/, where this post could not be reached any more."""
    posts = apps.get_model("blog", "Post").objects
    posts.filter(slug="trending").update(slug=f"trending-{get_random_string(6).lower()}")


class Migration(migrations.Migration):
    dependencies = [("blog", "0006_author_required")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop, elidable=True)]
