"""Sample posts, so that a first look finds something to read."""

import json
from pathlib import Path

from django.core.exceptions import ObjectDoesNotExist

from blog.models import Post
from blog.services import add_comment, create_post, publish_post, slugs_for
from todos.services import create_todo


def load() -> None:
    """Stores the posts of demo.json that are not there yet, with checklists and comments."""
    for entry in json.loads(Path(__file__).with_name("demo.json").read_text()):
        try:
            Post.objects.get(slug=next(slugs_for(entry["title"])))
        except ObjectDoesNotExist:
            post = create_post(title=entry["title"], body=entry["body"], tags=entry["tags"])
            for title, done in entry["checklist"].items():
                create_todo(title=title, description="", done=done, due_on=None, post=post)
            if entry["published"]:
                publish_post(post=post)
            for name, body in entry["comments"].items():
                add_comment(post=post, name=name, body=body)
