"""What the layer promises to clients: posts that publish themselves, and exports."""

import csv
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from io import BytesIO, TextIOWrapper
from pathlib import Path
from zipfile import ZipFile

import psutil
import psycopg
import pytest
import yaml
from test_06_proofs import COPY_POST, EXPORTS, POSTS, Jobs, wait_for

from accounts.tasks import clear_expired as clear_log_ins
from blog import cache
from blog.tasks import publish_due
from config.redis import client as valkey_client
from exports.tasks import clear_expired
from outbox.jobs import MAX_ATTEMPTS

# Of ten thousand characters each; 10000 take half a minute.
EXPORTED = int(os.environ.get("EXPORTED_POSTS", "1500"))
PAST, FUTURE = "2026-01-01T00:00:00Z", "2999-01-01T00:00:00.000001Z"


@pytest.fixture(scope="module")
def jobs(database_url, tmp_path_factory):
    jobs = Jobs(tmp_path_factory.mktemp("jobs"), DATABASE_URL=database_url)
    jobs.start()
    yield jobs
    jobs.kill()


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_publish_at__changed__is_the_new_one(author, new_post, method):
    post = new_post(publish_at=FUTURE)
    assert post["publish_at"] == FUTURE

    later = FUTURE.replace("2999", "2998")
    changed = author.request(method, post["url"], json={"title": "A", "publish_at": later}).json()
    assert (changed["status"], changed["publish_at"]) == ("draft", later)

    stopped = author.request(method, post["url"], json={"title": "A", "publish_at": None}).json()
    assert stopped["publish_at"] is None


def test_publish_at__of_a_post_put_without_it__is_none(author, new_post):
    post = new_post(publish_at=FUTURE)

    assert author.put(post["url"], json={"title": "A"}).json()["publish_at"] is None


def test_publish__of_a_scheduled_post__leaves_no_time(author, new_post):
    post = new_post(publish_at=FUTURE)

    published = author.post(f"{post['url']}publish/").json()

    assert (published["status"], published["publish_at"]) == ("published", None)


def test_publish_at__of_a_published_post__is_409(author, new_post, problem):
    post = new_post(published=True)

    problem(author.patch(post["url"], json={"publish_at": FUTURE}), 409)
    assert author.patch(post["url"], json={"publish_at": None}).status_code == 200


NO_TIMES = """
    tomorrow 2026-01-01 2026-02-30T00:00:00Z 2026-01-01T00:00:00 2026-01-01T24:00:00Z
    2026-01-01T00:00:60Z 0001-01-01T00:00:00+14:00
"""


@pytest.mark.parametrize("value", [*NO_TIMES.split(), "", f"{PAST}\0", 1, True, [], {}])
def test_publish_at__that_is_no_time__is_refused(author, problem, value):
    problem(author.post(POSTS, json={"title": "A", "publish_at": value}), 400, "publish_at")


def test_publish_at__with_an_offset__is_told_in_utc(new_post):
    post = new_post(publish_at="2998-12-31T23:30:00-01:00")

    assert post["publish_at"] == "2999-01-01T00:30:00Z"


def test_post__due__keeps_its_place_until_the_transaction_of_an_editor_ends(
    author, database_url, jobs, new_post
):
    held, other = new_post(), new_post()
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT FROM blog_post WHERE slug = %s FOR UPDATE", [held["slug"]])
        for post in (held, other):
            set_time = "UPDATE blog_post SET publish_at = %s WHERE slug = %s"
            if post is other:
                with psycopg.connect(database_url) as elsewhere:
                    elsewhere.execute(set_time, [PAST, post["slug"]])
        wait_for(lambda: author.get(other["url"]).json()["status"] == "published", "it waited")
        connection.execute(set_time, [PAST, held["slug"]])
    wait_for(lambda: author.get(held["url"]).json()["status"] == "published", "it was lost")


def ready(client, export):
    def look():
        found = client.get(export["url"]).json()
        return found["status"] != "waiting" and found

    return wait_for(look, "it took long")


def file_of(export):
    return Path(os.environ["MEDIA_ROOT"]) / "exports" / f"{export['id']}.zip"


def test_export__ready__has_all_posts_and_todos_of_its_owner(author, bob, jobs, new_post, new_todo):
    text = "Ünï\r\n---\n# A heading\n"
    title = "Quoted: “yes”, [no]\n"
    post = new_post(title=title, body=text, tags=["b", "a"], publish_at=FUTURE)
    todo = new_todo(title='=1+1, "quoted"\nand cut', due_on="2026-01-31", post=post["slug"])
    foreign = bob.post(POSTS, json={"title": "Bob's"}).json()["slug"]

    export = ready(author, author.post(EXPORTS).json())
    download = author.get(export["download"])

    assert download.headers["Content-Type"] == "application/zip"
    assert download.headers["Content-Disposition"] == 'attachment; filename="strata.zip"'
    with ZipFile(BytesIO(download.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        written = archive.read(f"posts/{post['slug']}.md").decode()
        with archive.open("todos.csv") as raw, TextIOWrapper(raw, "utf-8", newline="") as lines:
            rows = {row["id"]: row for row in csv.DictReader(lines)}
    _, fields, body = written.split("---\n", 2)
    assert body == f"\n{text}"
    fields = yaml.safe_load(fields)
    assert (fields["title"], fields["tags"]) == (title, ["a", "b"])
    assert fields["publish_at"] == datetime.fromisoformat(FUTURE)
    assert rows[str(todo["id"])]["title"] == todo["title"]
    assert rows[str(todo["id"])]["post"] == post["slug"]
    assert f"posts/{foreign}.md" not in names


def test_export__asked_for_by_eight_at_once__is_made_once(bob, jobs):
    jobs.kill()  # Or the first could be ready before the last has asked.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: bob.post(EXPORTS), range(8)))

    assert {answer.status_code for answer in answers} == {202}
    first = answers[0].json()
    assert {answer.headers["Location"] for answer in answers} == {first["url"]}
    jobs.start()
    ready(bob, first)
    assert bob.post(EXPORTS).json()["url"] != first["url"]


def test_export__of_somebody_else__is_not_there(author, bob, client, problem):
    url = author.post(EXPORTS).json()["url"]

    for path in (url, f"{url}download/"):
        problem(bob.get(path), 404)
        problem(client.get(path), 401)
    refused = author.options(f"{url}download/")
    problem(refused, 405)
    assert refused.headers["Allow"] == "GET, HEAD"
    assert url not in [export["url"] for export in bob.get(EXPORTS).json()["results"]]
    problem(client.post(EXPORTS), 401)


def test_export__not_ready_or_failed__has_no_download(author, database_url, jobs, problem):
    export = ready(author, author.post(EXPORTS).json())
    for status in ("waiting", "failed"):
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "UPDATE exports_export SET status = %s WHERE id = %s", [status, export["id"]]
            )
        found = author.get(export["url"]).json()
        assert (found["status"], found["download"]) == (status, None)
        problem(author.get(f"{export['url']}download/"), 409)


def test_export__expired__is_gone_with_its_file(author, database_url, jobs, problem):
    export = ready(author, author.post(EXPORTS).json())
    assert file_of(export).exists()

    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE exports_export SET expires_at = now() WHERE id = %s", [export["id"]]
        )
    problem(author.get(export["url"]), 404)
    clear_expired.delay()

    wait_for(lambda: not file_of(export).exists(), "the file stayed")


def test_export__that_nobody_made_in_its_time__does_not_keep_one_from_the_next(
    author, database_url, jobs
):
    export = ready(author, author.post(EXPORTS).json())
    with psycopg.connect(database_url) as connection:
        late = "UPDATE exports_export SET status = 'waiting', expires_at = now() WHERE id = %s"
        connection.execute(late, [export["id"]])

    asked = author.post(EXPORTS)

    assert asked.status_code == 202
    assert ready(author, asked.json())["id"] != export["id"]


@pytest.fixture
def held(author, database_url, jobs):
    """An export whose job waits for a lock that the connection has, for two seconds at most."""
    with (
        psycopg.connect(database_url, autocommit=True) as other,
        psycopg.connect(database_url) as connection,
    ):
        connection.execute("LOCK todos_todo")
        export = author.post(EXPORTS).json()
        wait_for(lambda: other.execute(WAITING).fetchone(), "it was not tried")
        yield export, connection, other


WAITING = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'todos_todo'::regclass"


def test_export__that_kills_each_worker__has_failed(author, held):
    export, _, other = held
    last = "UPDATE outbox_message SET attempts = %s, due_at = now() WHERE args = %s"

    def given_up():
        other.execute(last, [MAX_ATTEMPTS, f"[{export['id']}]"])
        return author.get(export["url"]).json()["status"] == "failed"

    wait_for(given_up, "it was tried again")
    # Or it would be taken for the letter of a comment with this id.
    other.execute("DELETE FROM outbox_message WHERE args = %s", [f"[{export['id']}]"])


def test_export__expired_while_it_is_made__leaves_no_file(held):
    export, connection, other = held
    other.execute("UPDATE exports_export SET expires_at = now() WHERE id = %s", [export["id"]])
    clear_expired.delay()
    row = "SELECT FROM exports_export WHERE id = %s"
    wait_for(lambda: not other.execute(row, [export["id"]]).fetchone(), "it stayed")
    connection.rollback()

    left = "SELECT FROM outbox_message WHERE args = %s"
    wait_for(lambda: not other.execute(left, [f"[{export['id']}]"]).fetchone(), "it took long")
    assert not file_of(export).exists()


def test_export__whose_connection_broke__is_tried_again_soon(author, held):
    export, connection, other = held
    other.execute(f"SELECT pg_terminate_backend(({WAITING} LIMIT 1))")
    connection.rollback()

    assert ready(author, export)["status"] == "ready"


def test_export__made_anew__takes_the_place_of_the_last(author, jobs, problem):
    first, second = (ready(author, author.post(EXPORTS).json()) for _ in range(2))

    problem(author.get(first["url"]), 404)
    assert author.get(EXPORTS).json()["results"][0] == second
    assert (file_of(first).exists(), file_of(second).exists()) == (False, True)


def test_log_ins__that_nobody_can_use__are_cleared(author, database_url, jobs):
    with psycopg.connect(database_url, autocommit=True) as connection:
        families = """
            INSERT INTO accounts_tokenfamily (id, user_id, jti, password_hmac, renewed_at)
            SELECT gen_random_uuid(), min(id), '', '', now() - make_interval(days => age)
              FROM accounts_user, unnest(%s) AS age GROUP BY age ORDER BY age RETURNING id
        """
        live, dead = [row[0] for row in connection.execute(families, [[6, 8]]).fetchall()]

        clear_log_ins.delay()

        family = "SELECT id FROM accounts_tokenfamily WHERE id = ANY(%s)"
        look = partial(connection.execute, family, [[live, dead]])
        wait_for(lambda: look().fetchall() == [(live,)], "the dead one stayed")


def test_publish_due__after_redis_was_away__drops_what_it_was_not_there_for():
    valkey_client.set("version:late", "old")
    cache.debts.add("version:late")

    publish_due()

    assert not valkey_client.exists("version:late")


def test_download__of_a_file_that_is_gone__is_404(author, jobs, problem):
    export = ready(author, author.post(EXPORTS).json())
    file_of(export).unlink()

    problem(author.get(export["download"]), 404)


def test_downloads__slow_and_many__leave_the_database_to_others(author, jobs, web):
    export = ready(author, author.post(EXPORTS).json())
    file_of(export).write_bytes(bytes(50_000_000))
    with ExitStack() as stack, web.client() as reader:
        for _ in range(12):  # ten have a connection
            stack.enter_context(author.stream("GET", export["download"]))
        statuses = {reader.get(f"{POSTS}?page_size={n}").status_code for n in range(1, 61)}
    assert statuses == {200}


def test_export__interrupted_by_the_database__has_not_failed(author, database_url, jobs):
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK todos_todo")  # and whoever reads it gives up after two seconds
        export = author.post(EXPORTS).json()
        line = f"build_export({export['id']}) again in"
        wait_for(lambda: line in (jobs.folder / "reports").read_text(), "it was not tried")
        assert author.get(export["url"]).json()["status"] == "waiting"

    assert ready(author, export)["status"] == "ready"


def test_export__of_many_long_posts__takes_no_more_memory(author, database_url, jobs, new_post):
    slug = new_post(title="Long", body="Word " * 2000)["slug"]
    ready(author, author.post(EXPORTS).json())
    before = peak(jobs)
    with psycopg.connect(database_url) as connection:
        connection.execute(COPY_POST, [EXPORTED, slug])
    began = time.monotonic()
    export = ready(author, author.post(EXPORTS).json())

    grown = peak(jobs) - before
    seconds = time.monotonic() - began
    sys.stdout.write(f"{EXPORTED} posts in {seconds:.1f} s, {grown / 2**20:.1f} MiB more\n")
    assert export["status"] == "ready"
    assert grown < 12 * 2**20


def peak(jobs):
    """The most bytes that any process of the jobs has had in memory."""
    processes = [
        child
        for shell in jobs.processes
        for child in psutil.Process(shell.pid).children(recursive=True)
    ]
    statuses = [Path(f"/proc/{process.pid}/status").read_text() for process in processes]
    return max(1024 * int(re.search(r"VmHWM:\s+(\d+)", text)[1]) for text in statuses)
