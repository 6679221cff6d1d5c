"""What it costs a request to ask for a job: a comment on a post of one's own asks for none."""

import json
import os
from typing import Any

from stages.measure import Bench, Request

# Before settings are read, by the import below, in the process that serves this module.
os.environ["WRITE_RATE"] = "1000000/s"

from config.wsgi import application  # noqa: F401


def bench() -> Bench:
    from accounts.models import User
    from blog.models import Post

    post = Post.objects.in_status(Post.PUBLISHED).latest("created_at")
    User.objects.filter(id=post.author_id).update(is_active=True)
    reader, _ = User.objects.get_or_create(email="bench@example.com", defaults={"name": "Bench"})
    for user in (post.author, reader):
        user.groups.set([1, 2, 3])
    path = f"/api/v1/posts/{post.slug}/comments/"
    return Bench(
        [
            comment("a comment that asks for no job", path, post.author),
            comment("a comment that asks for a mail", path, reader, at_most=1.1),
        ],
        application="tests.bench_06_jobs:application",
    )


def comment(name: str, path: str, user: Any, at_most: float | None = None) -> Request:
    from accounts.services import log_in

    headers = {"Authorization": f"Bearer {log_in(user=user)['access']}"}
    return Request(name, path, headers, json.dumps({"body": "Hm."}), status=201, at_most=at_most)
