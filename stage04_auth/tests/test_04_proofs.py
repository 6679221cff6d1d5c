"""What the auth layer is for: each proof fails on the stage before, for the reason it names."""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

POSTS, TODOS, AUTH = "/api/v1/posts/", "/api/v1/todos/", "/api/v1/auth/"
STAGE = Path(__file__).resolve().parent.parent
RACES = int(os.environ.get("RACES", "20"))


def new_account(client):
    """Registers somebody, and returns the credentials; None where nobody can register."""
    credentials = {"email": f"{uuid4().hex}@example.com", "password": "quite a secret"}
    answer = client.post(f"{AUTH}register/", json={**credentials, "name": "Somebody"})
    return credentials if answer.status_code == 202 else None


def log_in(client, credentials):
    answer = client.post(f"{AUTH}token/", json=credentials)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
    return answer.json()["refresh"]


@pytest.mark.proof(claim="Without a token nobody writes.", before="assert 201 == 401")
def test_write__without_a_token__is_refused(client, comment, new_post, new_todo):
    post = f"{POSTS}{new_post(published=True)['slug']}/"
    todo = f"{TODOS}{new_todo()['id']}/"
    title = {"title": "A"}
    writes = [("POST", POSTS, title), ("POST", TODOS, title), ("POST", f"{post}comments/", comment)]
    writes += [("POST", f"{post}publish/", None)]
    writes += [(method, path, title) for path in (post, todo) for method in ("PUT", "PATCH")]
    writes += [("DELETE", path, None) for path in (post, todo)]

    for method, path, body in writes:
        assert client.request(method, path, json=body).status_code == 401


@pytest.mark.proof(claim="The to-do of a stranger is not there.", before="assert 200 == 404")
def test_todo__of_a_stranger__is_404(web, new_todo):
    todo = f"{TODOS}{new_todo(title='Mine')['id']}/"

    with web.client() as stranger:
        if somebody := new_account(stranger):
            log_in(stranger, somebody)
        for method in ("GET", "PATCH", "DELETE"):
            body = {"title": "Yours"} if method == "PATCH" else None
            assert stranger.request(method, todo, json=body).status_code == 404
        assert "Mine" not in stranger.get(TODOS).text


@pytest.mark.proof(claim="Fast guessing of a password is stopped.", before=r"assert 429 in \[404")
def test_log_in__guessed_fast__is_stopped(start_web):
    with start_web(LOGIN_RATE="5/min").client() as guesser:
        guesses = [{"email": "ada@example.com", "password": f"{number}"} for number in range(8)]
        answers = [guesser.post(f"{AUTH}token/", json=guess) for guess in guesses]

    assert 429 in [answer.status_code for answer in answers]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


@pytest.fixture
def own_database(database_url):
    """The URL of an empty database, for a test that migrates."""
    name = f"test_{uuid4().hex}"
    server = urlsplit(database_url)._replace(path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield urlsplit(database_url)._replace(path=f"/{name}").geturl()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(url, *target):
    command = [sys.executable, "manage.py", "migrate", "--no-input", *target]
    environment = {**os.environ, "DATABASE_URL": url}
    subprocess.run(command, cwd=STAGE, env=environment, check=True, capture_output=True)


OWNERS = [("blog_post", "author_id"), ("blog_comment", "author_id"), ("todos_todo", "owner_id")]
OLD_ROWS = """
    INSERT INTO blog_post (slug, title, body, status, created_at, updated_at, published_at)
    SELECT 'old-' || n, 'Old', '', 'published', now(), now(), now() FROM generate_series(1, 2500) n;
    INSERT INTO blog_comment (post_id, name, body, created_at)
    SELECT id, 'Ada', 'Well said.', now() FROM blog_post;
    INSERT INTO todos_todo (post_id, title, description, done, created_at)
    SELECT id, 'Old', '', true, now() FROM blog_post;
"""


@pytest.mark.proof(
    claim="Every row that was written before there were accounts has an owner.",
    before="assert 'author' in",
)
def test_migrations__with_rows_from_before__give_each_an_owner(own_database, start_web):
    migrate(own_database, "blog", "0003")
    migrate(own_database, "todos", "0001")
    with psycopg.connect(own_database, autocommit=True) as database:
        database.execute(OLD_ROWS)

        migrate(own_database)

        with start_web(DATABASE_URL=own_database).client() as client:
            post = client.get(f"{POSTS}old-1/").json()
            assert "author" in list(post)
            assert client.get(f"{POSTS}old-1/comments/").json()["results"][0]["name"] == "Ada"
        for table, column in OWNERS:
            owners = "SELECT email, count(*) FROM {} JOIN accounts_user u ON u.id = {} GROUP BY 1"
            found = database.execute(owners.format(table, f"{table}.{column}")).fetchall()
            assert found == [("before-accounts@example.invalid", 2500)]


def stopped(url, *target):
    """What a migration says that does not get through."""
    with pytest.raises(subprocess.CalledProcessError) as error:
        migrate(url, *target)
    return error.value.stderr.decode()


FOREIGN_KEYS = """
    SELECT conname, oid FROM pg_constraint
    WHERE confrelid = 'accounts_user'::regclass AND conrelid::regclass::text ~ 'blog|todos'
"""


@pytest.mark.guard(claim="A migration that was stopped half-way can be run again.")
def test_migrations__stopped_half_way__run_again(own_database):
    migrate(own_database, "blog", "0003")
    migrate(own_database, "todos", "0001")
    with psycopg.connect(own_database, autocommit=True) as database:
        database.execute(OLD_ROWS)
        # An index that is built concurrently waits, at its end, for all who began to read before.
        with psycopg.connect(own_database) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT 1 FROM pg_class")
            for target in (("blog", "0004"), ("todos", "0002")):
                assert "lock timeout" in stopped(own_database, *target)
        migrate(own_database, "blog", "0005")
        migrate(own_database, "todos", "0003")
        # The old code goes on to write rows without an owner.
        database.execute(OLD_ROWS.replace("'old-'", "'late-'"))
        keys = database.execute(FOREIGN_KEYS).fetchall()
        for target in (("blog", "0006"), ("todos", "0004")):
            assert "is violated by some row" in stopped(own_database, *target)
        database.execute("DELETE FROM todos_todo WHERE owner_id IS NULL")
        database.execute("DELETE FROM blog_comment WHERE author_id IS NULL")
        database.execute("DELETE FROM blog_post WHERE author_id IS NULL")

        migrate(own_database)

        # Made anew, a foreign key would be checked against all rows while nobody can write.
        assert database.execute(FOREIGN_KEYS).fetchall() == keys
        assert len(keys) == len(OWNERS)
        for table, column in OWNERS:
            with pytest.raises(psycopg.errors.NotNullViolation):
                database.execute(f"UPDATE {table} SET {column} = NULL")
        invalid = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"
        assert database.execute(invalid).fetchall() == []


@pytest.mark.guard(claim="A stolen refresh token, replayed, ends every token of its log-in.")
def test_refresh__stolen_and_replayed__ends_the_family(web, problem):
    with web.client() as owner, web.client() as thief, web.client() as elsewhere:
        credentials = new_account(owner)
        stolen = log_in(owner, credentials)
        log_in(elsewhere, credentials)
        taken = thief.post(f"{AUTH}token/refresh/", json={"refresh": stolen}).json()
        thief.headers["Authorization"] = f"Bearer {taken['access']}"
        assert thief.get(f"{AUTH}me/").status_code == 200

        problem(owner.post(f"{AUTH}token/refresh/", json={"refresh": stolen}), 401)

        problem(thief.post(f"{AUTH}token/refresh/", json={"refresh": taken["refresh"]}), 401)
        problem(thief.get(f"{AUTH}me/"), 401)
        problem(owner.get(f"{AUTH}me/"), 401)
        assert elsewhere.get(f"{AUTH}me/").status_code == 200


@pytest.mark.guard(
    claim="Of eight uses of one refresh token at once one wins, and the family ends."
)
def test_refresh__eight_at_once__one_wins_and_the_family_ends(web, crowd, problem):
    racers = crowd(8)
    with web.client() as owner, ThreadPoolExecutor(8) as pool:
        credentials = new_account(owner)
        for _ in range(RACES):
            one = {"refresh": log_in(owner, credentials)}
            uses = [pool.submit(each.post, f"{AUTH}token/refresh/", json=one) for each in racers]
            answers = [use.result() for use in uses]

            assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
            (won,) = [answer.json() for answer in answers if answer.status_code == 200]
            bearer = {"Authorization": f"Bearer {won['access']}"}
            problem(owner.get(f"{AUTH}me/", headers=bearer), 401)
            problem(owner.post(f"{AUTH}token/refresh/", json={"refresh": won["refresh"]}), 401)
