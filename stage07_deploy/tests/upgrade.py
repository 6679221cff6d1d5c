"""One database, taken through all stages: nothing that a stage has stored is lost to the next.

`./stage test upgrade` runs this file in each stage in turn. The file that UPGRADE_SEEN names has
what could be read when the stage before was done. By hand it would fill the database in `.env`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.serializers.json import DjangoJSONEncoder

STAGE = Path(__file__).resolve().parent.parent
SEEN = Path(os.environ["UPGRADE_SEEN"])
API = "/api/v1/"
ODD = (
    "Ünïcödé, 日本語, हिन्दी, עברית and 🦄👩‍👩‍👧",
    "e\u0301 is not é, and ﬁ is not fi",
    "\u202eright to left\u202c, zero\u200bwidth, no\u00a0break",
    "<b>'quoted' \"text\"</b> &amp; \\n %s {0} --",
    "𐍈\U0010fffd beyond the first plane",
)


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The database itself, not a copy for tests, migrated as a release does it."""
    subprocess.run([sys.executable, "manage.py", "migrate", "--no-input"], cwd=STAGE, check=True)


@pytest.fixture
def overseer(carol: httpx.Client) -> httpx.Client:
    """A client of somebody who may read every row."""
    return carol


def rows(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    """The rows of a list, from all its pages."""
    while path:
        page = client.get(path).raise_for_status().json()
        yield from page["results"]
        path = page["next"]


def everything(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """All that is stored, each row by a name of its own."""
    from blog.models import Revision

    found = {}
    for listed in rows(client, f"{API}posts/"):
        slug = listed["slug"]
        found[f"post {slug}"] = client.get(f"{API}posts/{slug}/").raise_for_status().json()
        if listed["status"] == "published":
            for comment in rows(client, f"{API}posts/{slug}/comments/"):
                found[f"comment {comment['id']} on {slug}"] = comment
    for todo in rows(client, f"{API}todos/"):
        found[f"todo {todo['id']}"] = client.get(f"{API}todos/{todo['id']}/").json()
    for revision in Revision.objects.values("id", "post__slug", "document", "created_at"):
        found[f"revision {revision['id']}"] = revision
    for row in found.values():
        row.pop("url", None)  # Names a port.
        row.pop("actions", None)  # Depend on who asks.
    text = json.dumps(found, cls=DjangoJSONEncoder)
    # A stage may say a time more exactly than the one before.
    return dict(json.loads(re.sub(r"(\d\d:\d\d\.\d{3})\d*Z", r"\1Z", text)))


def write(author: httpx.Client, method: str, path: str, **fields: Any) -> dict[str, Any]:
    response = author.request(method, API + path, json=fields)
    assert response.is_success, response.text
    return dict(response.json())


def test_rows__of_all_stages_before__are_there_and_the_same(overseer):
    if not SEEN.exists():
        pytest.skip("the first stage: nothing comes before it")

    now = everything(overseer)

    for name, before in json.loads(SEEN.read_text()).items():
        assert name in now, f"{name} is lost"
        assert {field: now[name].get(field) for field in before} == before, f"{name} has changed"


def test_rows__added_by_this_stage__are_read_as_written(author, overseer, comment):
    before = everything(overseer)
    for text in ODD:
        draft = write(author, "POST", "posts/", title=text, body=text * 9, tags=["odd", "日本語"])
        assert (draft["title"], draft["body"]) == (text, text * 9)
        todo = write(author, "POST", "todos/", title=text, due_on="2028-02-29", post=draft["slug"])
        write(author, "POST", "todos/", title="Alone", description=text, done=True)
        post = write(author, "POST", "posts/", title=text, body="To be published")
        write(author, "POST", f"posts/{post['slug']}/publish/")
        write(author, "PATCH", f"posts/{post['slug']}/", body=text, tags=["edited"])
        write(author, "POST", f"posts/{post['slug']}/comments/", **{**comment, "body": text})
        assert todo["post"] == draft["slug"] != post["slug"]

    now = everything(overseer)

    # Of each text two posts, two to-dos, a comment, and what the public was shown of one, twice.
    assert len(now) == len(before) + 7 * len(ODD)
    SEEN.write_text(json.dumps(now))
