"""What the outbox promises: a job that was asked for happens, or is there to be looked at."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.header import decode_header, make_header
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from test_06_proofs import EXPORTS, POSTS, STAGE, Jobs, Mails, text, wait_for

from blog.mails import mail_comment
from blog.models import Post
from blog.services import add_views
from blog.tasks import flush_views
from outbox.jobs import MAX_ATTEMPTS
from outbox.models import Message
from outbox.services import enqueue, send


@pytest.fixture(scope="module")
def mails():
    server = Mails()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def jobs(database_url, mails, tmp_path_factory):
    environment = {"DATABASE_URL": database_url, "EMAIL_URL": mails.url, "JOB_SECONDS": "4"}
    jobs = Jobs(tmp_path_factory.mktemp("jobs"), **environment)
    jobs.start()
    yield jobs
    jobs.kill()


@pytest.fixture
def sql(database_url):
    """Runs a statement in a transaction of its own, and returns the rows of its answer."""

    def run(statement, *values):
        with psycopg.connect(database_url) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def commented(bob, comment, new_post):
    """Comments on a new post; returns the slug of the post and the id of the comment."""

    def create(request_id="-" * 8, **fields):
        slug = new_post(published=True, **fields)["slug"]
        headers = {"X-Request-ID": request_id}
        answer = bob.post(f"{POSTS}{slug}/comments/", json=comment, headers=headers)
        assert answer.status_code == 201
        return slug, answer.json()["id"]

    return create


@pytest.fixture
def manage(database_url):
    """Runs a command of manage.py, and returns what it prints."""

    def run(*args):
        command = [sys.executable, "manage.py", *args]
        env = {**os.environ, "DATABASE_URL": database_url}
        return subprocess.check_output(command, cwd=STAGE, env=env, text=True)

    return run


LEFT = "SELECT id FROM outbox_message WHERE task = 'blog.mails.mail_comment' AND args = %s"
LETTER = "SELECT id, attempts, error FROM outbox_message WHERE failed_at IS NOT NULL AND args = %s"


def test_enqueue__rolled_back__asks_for_nothing():
    before = Message.objects.count()

    with transaction.atomic():
        enqueue(mail_comment, 1)
        assert Message.objects.count() == before + 1
        transaction.set_rollback(True)

    assert Message.objects.count() == before


def test_job__done__leaves_no_message(commented, jobs, mails, sql):
    slug, comment = commented()

    wait_for(lambda: mails.about(slug), "no mail came")

    wait_for(lambda: not sql(LEFT, f"[{comment}]"), "the message stayed")


def test_job__of_a_request__logs_its_id(commented, jobs, mails):
    request_id = f"asked-{uuid4().hex}"

    slug, _ = commented(request_id)

    wait_for(lambda: mails.about(slug), "no mail came")
    line = f"[{request_id}] blog.mails.mail_comment("
    wait_for(lambda: line in (jobs.folder / "worker").read_text(), "no line")


def test_job__delivered_while_it_runs__is_not_run_beside_itself(commented, jobs, mails, sql):
    mails.seconds = 2
    slug, comment = commented()
    wait_for(lambda: mails.about(slug, begun=True), "no mail was begun")

    send(Message.objects.get(args=[comment]))

    wait_for(lambda: mails.about(slug), "no mail came")
    mails.seconds = 0
    later, _ = commented()
    wait_for(lambda: mails.about(later), "no mail came")
    assert (len(mails.about(slug, begun=True)), len(mails.about(slug))) == (1, 1)


def test_job__its_process_killed__is_run_by_another(commented, jobs, mails):
    mails.seconds = 2
    slug, _ = commented()
    wait_for(lambda: mails.about(slug, begun=True), "no mail was begun")

    mails.seconds = 0
    for process in jobs.processes:
        for child in psutil.Process(process.pid).children(recursive=True):
            if child.cmdline() == child.parent().cmdline():  # a fork
                child.kill()

    wait_for(lambda: mails.about(slug), "no mail came")


# Four and a half seconds are more than a job may take.
@pytest.mark.parametrize(("answers", "seconds"), [(["451 4.7.1 Greylisted"], 0), ([], 4.5)])
def test_mail__deferred_by_the_server__is_sent_later(commented, jobs, mails, sql, answers, seconds):
    mails.answers, mails.seconds = answers, seconds
    slug, comment = commented()
    wait_for(lambda: mails.about(slug, begun=True), "no mail was begun")
    mails.seconds = 0

    wait_for(lambda: mails.about(slug), "no mail came")
    wait_for(lambda: not sql(LEFT, f"[{comment}]"), "the message stayed")
    assert not mails.answers


def test_mail__deferred_too_often__is_a_dead_letter(commented, jobs, mails, sql):
    mails.answers = ["451 4.7.1 Greylisted"] * 100
    _, comment = commented()
    tried = "SELECT id FROM outbox_message WHERE attempts > 0 AND args = %s"
    wait_for(lambda: sql(tried, f"[{comment}]"), "it was not tried")

    hurry = "UPDATE outbox_message SET attempts = %s, due_at = now() WHERE args = %s"
    sql(hurry, MAX_ATTEMPTS - 1, f"[{comment}]")

    ((_, attempts, _),) = wait_for(lambda: sql(LETTER, f"[{comment}]"), "no dead letter")
    mails.answers = []
    assert attempts == MAX_ATTEMPTS


def test_mail__refused_for_good__is_a_dead_letter_that_can_be_requeued(
    commented, jobs, mails, sql, manage
):
    mails.answers = ["550 5.1.1 No such user"]
    request_id = f"asked-{uuid4().hex}"
    slug, comment = commented(request_id)
    ((letter, attempts, error),) = wait_for(lambda: sql(LETTER, f"[{comment}]"), "no dead letter")
    assert attempts == 1
    assert "No such user" in error
    line = f"[{request_id}] Task blog.mails.mail_comment[{letter}] raised unexpected"
    wait_for(lambda: line in (jobs.folder / "worker").read_text(), "no line")

    listed, shown = manage("deadletters"), manage("deadletters", str(letter))
    assert f"{letter}" in listed
    assert "Traceback" not in listed
    assert error.strip() in shown

    manage("deadletters", str(letter), "--requeue")
    wait_for(lambda: mails.about(slug), "no mail came")
    assert str(letter) not in manage("deadletters")


def test_export__requeued__is_made(author, jobs, manage, sql):
    export = author.post(EXPORTS).json()
    in_its_way = Path(os.environ["MEDIA_ROOT"], "exports", f"{export['id'] + 1}.zip")
    wait_for(lambda: author.get(export["url"]).json()["status"] == "ready", "it took long")
    in_its_way.mkdir()
    export = author.post(EXPORTS).json()
    ((letter, *_),) = wait_for(lambda: sql(LETTER, f"[{export['id']}]"), "no dead letter")
    assert author.get(export["url"]).json()["status"] == "failed"
    in_its_way.rmdir()

    manage("deadletters", str(letter), "--requeue")

    wait_for(lambda: author.get(export["url"]).json()["status"] == "ready", "it was not made")


def test_job__that_kills_each_worker__is_a_dead_letter(jobs, sql):
    make = """
        INSERT INTO outbox_message (id, task, args, headers, created_at, due_at, attempts, error)
        VALUES (%s, 'blog.mails.mail_comment', '["deadly"]', '{}', now(), now(), %s, '')
    """
    sql(make, uuid4(), MAX_ATTEMPTS)

    ((_, _, error),) = wait_for(lambda: sql(LETTER, '["deadly"]'), "no dead letter")
    assert "killed" in error


def test_mail__of_a_title_with_line_breaks__has_one_subject(commented, jobs, mails):
    slug, _ = commented(title="One\r\nBcc: all@example.org")

    (mail,) = wait_for(lambda: mails.about(slug), "no mail came")
    assert "Bcc" not in mail
    assert str(make_header(decode_header(mail["Subject"]))).endswith("“One Bcc: all@example.org”")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_comment__of_the_author__is_not_mailed(author, comment, commented, jobs, mails, new_post):
    slug = new_post(published=True)["slug"]
    author.post(f"{POSTS}{slug}/comments/", json=comment)

    other, _ = commented()

    wait_for(lambda: mails.about(other), "no mail came")
    assert not mails.about(slug)


def test_post__blocked_at_its_time__stays_a_draft_and_is_mailed_once(
    author, jobs, mails, new_post, new_todo
):
    post = new_post()
    new_todo(post=post["slug"])
    author.patch(post["url"], json={"publish_at": "2026-01-01T00:00:00Z"})

    (mail,) = wait_for(lambda: mails.about(post["slug"]), "no mail came")
    assert "to-dos on its checklist were open" in text(mail)
    now = author.get(post["url"]).json()
    assert (now["status"], now["publish_at"]) == ("draft", None)


def test_views__counted_in_redis__are_moved_to_the_post_once(client, jobs, new_post, sql):
    post = new_post(published=True)
    for _ in range(3):
        assert client.get(post["url"]).status_code == 200

    flush_views.delay()
    views = "SELECT views FROM blog_post WHERE slug = %s"
    wait_for(lambda: sql(views, post["slug"]) == [(3,)], "they were not moved")

    client.get(post["url"])
    flush_views.delay()
    wait_for(lambda: sql(views, post["slug"]) == [(4,)], "they were not moved")


def test_views__flushed_by_one_that_died_then__are_added_once(new_post):
    slug, flush = new_post(published=True)["slug"], uuid4().hex

    for _ in range(2):
        add_views(flush=flush, views={slug: 5, "deleted-meanwhile": 1})

    assert Post.objects.get(slug=slug).views == 5


def test_views__of_many_posts__interrupted__go_on_where_they_were(database_url, new_post):
    slugs = [new_post(title=title, published=True)["slug"] for title in ("First", "Last")]
    between = {f"{slugs[0]}-{number}": 1 for number in range(1000)}
    views, flush = dict.fromkeys(slugs, 5) | between, uuid4().hex

    def read():
        return [Post.objects.get(slug=slug).views for slug in slugs]

    with psycopg.connect(database_url) as editor:
        editor.execute("SELECT FROM blog_post WHERE slug = %s FOR UPDATE", [slugs[1]])
        with pytest.raises(OperationalError, match="lock timeout"):
            add_views(flush=flush, views=views)
        assert read() == [5, 0]
    for _ in range(2):
        add_views(flush=flush, views=views)

    assert read() == [5, 5]


def test_views__of_posts_between_which_a_todo_moves__wait_for_it(database_url, new_post):
    """Who moves a to-do takes the older post first, whatever the slugs are."""
    older, newer = (new_post(title=title, published=True)["slug"] for title in ("Zebra", "Ant"))
    lock = "SELECT id FROM blog_post WHERE slug = %s FOR NO KEY UPDATE"
    waiting = "SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"

    def flush():
        with closing(connection):  # which is this thread's own
            add_views(flush=uuid4().hex, views={older: 1, newer: 1})

    with ThreadPoolExecutor() as pool:
        with psycopg.connect(database_url) as mover:
            mover.execute(lock, [older])
            flushed = pool.submit(flush)
            wait_for(lambda: mover.execute(waiting).fetchall(), "it did not wait")
            mover.execute(lock, [newer])
        flushed.result()

    assert [Post.objects.get(slug=slug).views for slug in (older, newer)] == [1, 1]
