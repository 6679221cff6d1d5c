"""Sample posts, so that a first look finds something to read."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.exceptions import ObjectDoesNotExist

from accounts.models import AUTHOR, EDITOR, READER, User
from blog.models import Post
from blog.services import add_comment, create_post, publish_post, slugs_for
from todos.services import create_todo

PASSWORD = "look around and try"  # noqa: S105, everybody is to know it
ROLES = {"Alice": AUTHOR, "Bob": AUTHOR, "Carol": EDITOR, "Admin": EDITOR}
ROLES |= dict.fromkeys(("Ada", "Grace", "Linus"), READER)


def load() -> None:
    """Stores the posts of demo.json that are not there yet, with checklists and comments."""
    people = {name: account(name, role) for name, role in ROLES.items()}
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


def account(name: str, role: str) -> User:
    """The account of somebody in the demo, made if it is not there and otherwise left as it is."""
    fields: dict[str, Any] = dict.fromkeys(("is_staff", "is_superuser"), name == "Admin")
    fields |= {"email": f"{name.lower()}@example.com", "name": name}
    fields["password"] = partial(make_password, PASSWORD)  # called only where it is needed
    user, created = User.objects.get_or_create(email__iexact=fields["email"], defaults=fields)
    if created:
        user.groups.add(Group.objects.get(name=role))
    return user
