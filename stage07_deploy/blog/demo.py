"""Sample posts, so that a first look finds something to read."""

import json
from pathlib import Path

from django.contrib.auth.models import Group
from django.core.exceptions import ObjectDoesNotExist

from accounts.models import AUTHOR, EDITOR, READER, User
from accounts.services import register
from blog.models import Post
from blog.services import add_comment, create_post, publish_post, slugs_for
from todos.services import create_todo

PASSWORD = "look around and try"  # noqa: S105, everybody is to know it
ROLES = {"Alice": AUTHOR, "Bob": AUTHOR, "Carol": EDITOR, "Admin": EDITOR}
ROLES |= dict.fromkeys(("Ada", "Grace", "Linus"), READER)


def load() -> None:
    """Stores the posts of demo.json that are not there yet, with checklists and comments."""
    people = accounts()
    for entry in json.loads(Path(__file__).with_name("demo.json").read_text()):
        try:
            Post.objects.get(slug=next(slugs_for(entry["title"])))
        except ObjectDoesNotExist:
            fields = {name: entry[name] for name in ("title", "body", "tags")}
            post = create_post(author=people[entry["author"]], **fields)
            for title, done in entry["checklist"].items():
                fields = {"title": title, "description": "", "done": done, "due_on": None}
                create_todo(owner=post.author, post=post, **fields)
            if entry["published"]:
                publish_post(post=post)
            for name, body in entry["comments"].items():
                add_comment(post=post, author=people[name], body=body)


def accounts() -> dict[str, User]:
    """The people of the demo, by name."""
    for name, role in ROLES.items():
        email = f"{name.lower()}@example.com"
        register(email=email, name=name, password=PASSWORD)
        User.objects.get(email=email).groups.set(Group.objects.filter(name=role))
    User.objects.filter(email="admin@example.com").update(is_staff=True, is_superuser=True)
    return {user.name: user for user in User.objects.filter(name__in=ROLES)}
