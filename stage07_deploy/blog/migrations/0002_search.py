from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blog", "0001_posts_tags_comments")]

    operations = [
        migrations.AddField(
            model_name="post",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=SearchVector("title", weight="A", config="english")
                + SearchVector("body", weight="B", config="english"),
                output_field=SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="post",
            index=GinIndex(fields=["search"], name="post_search"),
        ),
    ]
