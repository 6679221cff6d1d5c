"""What the auth layer promises beyond the contract."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    PBKDF2PasswordHasher,
    make_password,
)
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from blog import demo
from tests.conftest import account, committed

STAGE = Path(__file__).resolve().parent.parent
POSTS, TODOS, AUTH = "/api/v1/posts/", "/api/v1/todos/", "/api/v1/auth/"
SECRET = "quite a secret"


def new(email=None, **fields):
    """What somebody logs in with, whose account has this password."""
    credentials = {"email": email or f"{uuid4().hex}@example.com", "password": SECRET}
    fields = {"password": make_password(SECRET), **fields}
    committed(account, credentials["email"], **fields)
    return credentials


def stored(credentials):
    return committed(User.objects.get_by_natural_key, credentials["email"])


def bearer(client, credentials):
    answer = client.post(f"{AUTH}token/", json=credentials)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access']}"}


# Registration and log-in


def test_register__new_address__is_an_author_who_logs_in(client):
    credentials = {"email": f"{uuid4().hex}@Example.com", "password": SECRET}

    answer = client.post(f"{AUTH}register/", json={**credentials, "name": "Ada"})

    assert (answer.status_code, answer.content) == (202, b"")
    mine = bearer(client, {**credentials, "email": credentials["email"].upper()})
    assert client.get(f"{AUTH}me/", headers=mine).json() == {
        "email": credentials["email"],
        "name": "Ada",
    }
    post = client.post(POSTS, json={"title": "A"}, headers=mine).json()
    assert post["author"] == "Ada"
    assert stored(credentials).password.startswith("argon2$argon2id$")


def test_register__taken_address__changes_nothing_and_does_not_tell(client, problem):
    taken = new(name="First")
    again = {"email": taken["email"].upper(), "password": "another secret", "name": "Second"}
    fresh = {**again, "email": f"{uuid4().hex}@example.com"}

    answers = [client.post(f"{AUTH}register/", json=each) for each in (again, fresh)]

    known, unknown = (told(answer) for answer in answers)
    assert known == unknown
    problem(client.post(f"{AUTH}token/", json={**taken, "password": "another secret"}), 401)
    assert stored(taken).name == "First"


def told(answer):
    """All that an answer tells but what is of every request its own."""
    own = ("date", "x-request-id")
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.status_code, headers, answer.content


def test_register__one_address_at_once__is_one_account(crowd):
    email = f"{uuid4().hex}@example.com"
    cases = [email, email.upper()] * 4

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda client, case: client.post(
                f"{AUTH}register/", json={"email": case, "password": SECRET, "name": "A"}
            ),
            crowd(8),
            cases,
        )
        assert [answer.status_code for answer in answers] == [202] * 8

    assert committed(User.objects.filter(email__iexact=email).count) == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": f"{'a' * 250}@example.com"}, "email"),
        ({"email": "a\0@example.com"}, "email"),
        ({"email": 1}, "email"),
        ({"name": ""}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "somebody@example.com"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": None}, "password"),
        ({"is_staff": True}, "is_staff"),
    ],
)
def test_register__unacceptable__names_the_field(client, problem, fields, wrong):
    sent = {"email": "somebody@example.com", "name": "A", "password": SECRET, **fields}

    text = json.dumps(sent).encode()
    headers = {"Content-Type": "application/json"}
    problem(client.post(f"{AUTH}register/", content=text, headers=headers), 400, wrong)


def test_log_in__whatever_is_wrong__answers_the_same(client):
    known = new()
    wrong = {**known, "password": "guessed"}
    unknown = {**wrong, "email": f"{uuid4().hex}@example.com"}
    no_address = {**wrong, "email": "nobody"}
    cases = [wrong, unknown, no_address, new(is_active=False), new(password="!")]

    answers = [told(client.post(f"{AUTH}token/", json=each)) for each in cases]

    assert answers == [answers[0]] * len(cases)
    assert answers[0][0] == 401


def test_hashing__whether_or_not_there_is_an_account__is_done_once(monkeypatch, client):
    """Nearly all the time of an answer is that of hashing, so the work is what is compared."""
    known = new()
    work = []
    for name in ("encode", "verify"):
        method = getattr(Argon2PasswordHasher, name)
        counted = lambda *args, method=method: (work.append(1), method(*args))[1]  # noqa: E731
        monkeypatch.setattr(Argon2PasswordHasher, name, counted)
    someone = {"email": f"{uuid4().hex}@example.com", "password": SECRET}
    requests = [
        ("token/", known),
        ("token/", {**known, "password": "guessed"}),
        ("token/", someone),
        ("token/", new(is_active=False)),
        ("token/", new(password="!")),
        ("register/", {**someone, "name": "A"}),
        ("register/", {**known, "name": "A"}),
    ]
    stranger = Client(REMOTE_ADDR="192.0.2.1")  # log-ins are counted by address
    for path, sent in requests:
        work.clear()
        stranger.post(f"{AUTH}{path}", data=sent, content_type="application/json")
        assert len(work) == 1, (path, sent)


def test_hash__of_an_older_kind__is_renewed_at_the_log_in(client):
    credentials = new(password=PBKDF2PasswordHasher().encode(SECRET, "salt", 1000))

    for _ in range(2):
        assert client.get(f"{AUTH}me/", headers=bearer(client, credentials)).status_code == 200

    assert stored(credentials).password.startswith("argon2$")


def test_log_out__ends_this_log_in_alone(client, problem):
    credentials = new()
    here, elsewhere = bearer(client, credentials), bearer(client, credentials)

    answer = client.post(f"{AUTH}logout/", headers=here)

    assert (answer.status_code, answer.content) == (204, b"")
    problem(client.get(f"{AUTH}me/", headers=here), 401)
    problem(client.post(f"{AUTH}logout/", headers=here), 401)
    assert client.get(f"{AUTH}me/", headers=elsewhere).status_code == 200


def test_password__changed__ends_every_log_in(client, problem):
    credentials = new()
    here, elsewhere = bearer(client, credentials), bearer(client, credentials)
    words = {"current": SECRET, "new": "another secret"}
    url = f"{AUTH}me/password/"
    problem(client.post(url, json={**words, "current": "guessed"}, headers=here), 400, "current")
    problem(client.post(url, json={**words, "new": "123456789"}, headers=here), 400, "new")

    assert client.post(url, json=words, headers=here).status_code == 204

    for headers in (here, elsewhere):
        problem(client.get(f"{AUTH}me/", headers=headers), 401)
    problem(client.post(f"{AUTH}token/", json=credentials), 401)
    assert bearer(client, {**credentials, "password": "another secret"})


def test_me__patched__changes_the_name_and_no_more(alice, problem):
    problem(alice.patch(f"{AUTH}me/", json={"email": "bob@example.com"}), 400, "email")
    problem(alice.patch(f"{AUTH}me/", json={"name": " "}), 400, "name")
    problem(alice.patch(f"{AUTH}me/"), 400)

    answer = alice.patch(f"{AUTH}me/", json={"name": "Alice L."})

    # A tag would promise that a write holds to it.
    assert (answer.headers["Cache-Control"], "ETag" in answer.headers) == ("no-store", False)
    assert answer.json() == {"email": "alice@example.com", "name": "Alice L."}
    assert alice.get(f"{AUTH}me/").json() == answer.json()
    alice.patch(f"{AUTH}me/", json={"name": "Alice"})


# What belongs to whom


def test_comment__name__is_the_one_of_when_it_was_written(client, log_in, new_post):
    ada = log_in(f"{uuid4().hex}@example.com", name="Ada")
    url = f"{new_post(published=True)['url']}comments/"
    ada.post(url, json={"body": "Well said."})

    ada.patch(f"{AUTH}me/", json={"name": "Somebody else"})

    (comment,) = client.get(url).json()["results"]
    assert comment["name"] == "Ada"


def test_lists__of_an_author__have_his_own_and_what_is_public(alice, bob, carol, tag):
    for one in (alice, bob):
        made = one.post(POSTS, json={"title": "A", "tags": [tag]}).json()
        one.post(made["actions"]["publish"])
        draft = one.post(POSTS, json={"title": "B", "tags": [tag]}).json()
        one.post(TODOS, json={"title": tag, "post": draft["slug"]})

    def seen(one):
        posts = one.get(POSTS, params={"tag": tag}).json()["results"]
        todos = one.get(TODOS, params={"page_size": 100}).json()["results"]
        return len(posts), len([todo for todo in todos if todo["title"] == tag])

    assert [seen(one) for one in (alice, bob, carol)] == [(3, 1), (3, 1), (4, 2)]


def test_todo__on_a_checklist__belongs_to_the_author_of_the_post(alice, bob, carol, problem):
    slug = alice.post(POSTS, json={"title": "A"}).json()["slug"]
    made = carol.post(TODOS, json={"title": "Look again", "post": slug}).json()
    moved = carol.post(TODOS, json={"title": "Mine"}).json()
    problem(alice.get(moved["url"]), 404)

    carol.patch(moved["url"], json={"post": slug})

    for todo in (made, moved):
        assert alice.patch(todo["url"], json={"done": True}).status_code == 200
        problem(bob.get(todo["url"]), 404)
    todo = bob.post(TODOS, json={"title": "Mine"}).json()
    problem(bob.patch(todo["url"], json={"post": slug}), 400, "post")


def test_answer__that_depends_on_the_user__is_shared_by_no_cache(alice):
    for path in (POSTS, TODOS):
        headers = alice.get(path).headers
        assert headers["Cache-Control"] == "private, no-cache"
        assert {"Authorization", "Cookie"} <= set(headers["Vary"].split(", "))


def test_seed__without_debug__makes_no_account_that_anybody_could_use(settings):
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("seed")
    assert not User.objects.filter(email="admin@example.com").exists()

    settings.DEBUG = True
    call_command("seed")
    assert User.objects.get(email="admin@example.com").is_superuser


def test_seed__accounts_that_are_there__stay_as_they_are():
    mine = User.objects.create(email="Admin@Example.com", name="Alice", password="!")

    demo.load()

    mine.refresh_from_db()
    assert (mine.password, mine.is_superuser, list(mine.groups.all())) == ("!", False, [])
    alice, carol = (User.objects.get_by_natural_key(f"{n}@example.com") for n in ("alice", "carol"))
    assert alice.get_all_permissions() != carol.get_all_permissions()
    assert alice.posts.exists()
    assert not mine.posts.exists()


def test_addresses__of_others__are_shown_nowhere(alice, client, comment, new_post):
    post = new_post(published=True)
    alice.post(f"{post['url']}comments/", json=comment)

    for one in (client, alice):
        for path in (POSTS, post["url"], f"{post['url']}comments/"):
            assert "@example" not in one.get(path).text


def test_queries__that_look_a_post_up__leave_its_text_in_the_database(author, comment, new_post):
    post = new_post(published=True)
    url = author.post(f"{post['url']}comments/", json=comment).json()["url"]
    client = Client(headers=dict(author.headers))

    with CaptureQueriesContext(connection) as queries:
        listed = client.get(f"{POSTS}{post['slug']}/comments/")
        fields = {"title": "A", "post": post["slug"], "done": True}
        made = client.post(TODOS, fields, content_type="application/json")
        deleted = client.delete(httpx.URL(url).path)

    assert [answer.status_code for answer in (listed, made, deleted)] == [200, 201, 204]
    sql = " ".join(query["sql"] for query in queries)
    assert '"blog_post"."status"' in sql
    assert '"blog_post"."body"' not in sql
    assert '"blog_post"."search"' not in sql


# Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("JWT_SIGNING_KEY", ""),
        ("JWT_SIGNING_KEY", "x" * 31),
        ("LOGIN_RATE", "ten a minute"),
        ("NUM_PROXIES", "two"),
    ],
)
def test_settings__empty_or_wrong__start_nothing(name, value):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=STAGE,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert (value if "RATE" in name else name) in done.stderr
