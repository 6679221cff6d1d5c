"""What the jobs layer is for: each proof fails on the stage before, for the reason it names."""

import asyncio
import email
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from zipfile import ZipFile

import httpx
import psycopg
import pytest
from aiosmtpd.controller import Controller

STAGE = Path(__file__).resolve().parent.parent
POSTS, EXPORTS = "/api/v1/posts/", "/api/v1/exports/"
SECONDS = 60  # that a job may take to happen on a busy machine, its processes still starting
SECONDS_TO_RESEND = 10  # after which a job that is not done would have been delivered again


class Mails(Controller):
    """A mail server: takes `seconds` for a mail, gives `answers` first, and keeps what it takes."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        super().__init__(self, "127.0.0.1", port)
        self.url = f"smtp://127.0.0.1:{port}"
        self.seconds, self.answers, self.begun, self.kept = 0, [], [], []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802, the name is aiosmtpd's
        mail = email.message_from_bytes(envelope.content)
        self.begun.append(mail)
        if self.answers:
            return self.answers.pop(0)
        # Whose connection is gone by then gets no further.
        await asyncio.sleep(self.seconds)
        self.kept.append(mail)
        return "250 OK"

    def about(self, slug, *, begun=False):
        """The mails with a link to this post that were taken, or those that were begun."""
        mails = self.begun if begun else self.kept
        return [mail for mail in mails if f"/{slug}/" in text(mail)]


@pytest.fixture
def mails():
    server = Mails()
    server.start()
    yield server
    server.stop()


def text(mail):
    return mail.get_payload(decode=True).decode()


class Jobs:
    """What the Procfile has beside web and mail, in processes that log to files in `folder`."""

    def __init__(self, folder, **environment):
        self.folder, self.environment = folder, {**os.environ, **environment}
        lines = (STAGE / "Procfile").read_text().splitlines()
        self.commands = dict(line.split(": ", 1) for line in lines)
        self.processes = []

    def start(self, *names):
        for name in names or self.commands.keys() - {"release", "web", "mail"}:
            with (self.folder / name).open("a") as log:
                options = {"cwd": STAGE, "env": self.environment, "stdout": log, "stderr": log}
                # In a session of its own: the shell, the process, and what that forks.
                command = self.commands[name]
                self.processes.append(
                    subprocess.Popen(command, shell=True, start_new_session=True, **options)
                )

    def kill(self):
        while self.processes:
            process = self.processes.pop()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def jobs(database_url, mails, tmp_path):
    """Not started yet."""
    environment = {"DATABASE_URL": database_url, "EMAIL_URL": mails.url, "JOB_SECONDS": "4"}
    jobs = Jobs(tmp_path, **environment)
    yield jobs
    jobs.kill()


def wait_for(condition, reason):
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, reason
        time.sleep(0.1)
    return found


@pytest.mark.proof(
    claim="The author of a post is told of a comment by mail, and the request did not wait for it.",
    before="no mail came",
)
def test_comment__on_a_post__is_mailed_to_its_author(bob, comment, mails, new_post, jobs):
    mails.seconds = 2
    slug = new_post(published=True)["slug"]
    jobs.start()

    began = time.monotonic()
    response = bob.post(f"{POSTS}{slug}/comments/", json=comment)
    seconds = time.monotonic() - began

    assert response.status_code == 201
    wait_for(lambda: mails.about(slug), "no mail came")
    assert seconds < mails.seconds


@pytest.mark.proof(claim="A scheduled post appears by itself.", before="assert 400 == 201")
def test_post__scheduled__appears_by_itself(author, client, jobs):
    at = datetime.now(UTC) + timedelta(seconds=1)
    made = author.post(POSTS, json={"title": "Later", "publish_at": at.isoformat()})
    assert made.status_code == 201
    post = author.get(made.headers["Location"]).json()
    assert (post["status"], datetime.fromisoformat(post["publish_at"])) == ("draft", at)

    jobs.start()

    wait_for(
        lambda: client.get(made.headers["Location"]).json().get("status") == "published",
        "it did not appear",
    )


@pytest.mark.proof(claim="An export of any size answers at once.", before="assert 404 == 202")
def test_export__of_many_posts__answers_at_once(author, database_url, new_post, jobs):
    slug = new_post(title="One of many", body="Words, and *words*.")["slug"]
    with psycopg.connect(database_url) as connection:
        connection.execute(COPY_POST, [3000, slug])

    began = time.monotonic()
    export = author.post(EXPORTS)
    seconds = time.monotonic() - began
    assert export.status_code == 202
    assert seconds < 1
    jobs.start()

    url = export.headers["Location"]
    ready = wait_for(
        lambda: (answer := author.get(url).json())["status"] == "ready" and answer, "it took long"
    )
    assert ready["progress"] == 100
    with ZipFile(BytesIO(author.get(ready["download"]).content)) as archive:
        copies = [name for name in archive.namelist() if f"/{slug}-" in name]
        assert len(copies) == 3000
        assert archive.read(copies[0]).endswith(b"Words, and *words*.")


COPY_POST = """
    INSERT INTO blog_post (slug, title, body, status, created_at, updated_at, author_id)
    SELECT slug || '-' || n, title, body, status, created_at, updated_at, author_id
      FROM blog_post, generate_series(1, %s) AS n
     WHERE slug = %s
"""


@pytest.mark.guard(claim="A worker killed in mid-job: the job still happens, and once.")
def test_worker__killed_in_mid_job__job_happens_once(bob, comment, mails, new_post, jobs):
    mails.seconds = 2
    slug = new_post(published=True)["slug"]
    jobs.start()
    bob.post(f"{POSTS}{slug}/comments/", json=comment)

    wait_for(lambda: mails.about(slug, begun=True), "no mail was begun")
    jobs.kill()
    assert not mails.about(slug)
    jobs.start()

    wait_for(lambda: mails.about(slug), "no mail came")
    time.sleep(SECONDS_TO_RESEND)
    assert len(mails.about(slug)) == 1


CRASH = """
import os, signal
from celery import Celery
from django.db import transaction

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

on_commit = transaction.on_commit
transaction.on_commit = lambda *args, **kwargs: on_commit(die)
Celery.send_task = die
"""


@pytest.mark.guard(claim="A crash between commit and enqueue loses nothing.")
def test_web_and_worker__killed_between_commit_and_enqueue__job_happens(
    bob, comment, mails, new_post, jobs, start_web, tmp_path
):
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    slug = new_post(published=True)["slug"]
    crashing = start_web(PYTHONPATH=str(tmp_path))

    with pytest.raises(httpx.TransportError):
        bob.post(f"{crashing.url}{POSTS}{slug}/comments/", json=comment)
    assert bob.get(f"{POSTS}{slug}/comments/").json()["results"]
    jobs.environment["PYTHONPATH"] = str(tmp_path)
    jobs.start("worker")
    del jobs.environment["PYTHONPATH"]
    jobs.start("beat")
    wait_for(lambda: "(SIGKILL)" in (tmp_path / "worker").read_text(), "nothing was sent")
    assert not mails.about(slug)
    jobs.kill()
    jobs.start()

    wait_for(lambda: mails.about(slug), "no mail came")


@pytest.fixture
def closed():
    """The port of a mail server that takes nothing from anybody for now."""

    class Closed(BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"554 5.3.2 Not now\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Closed) as server:
        Thread(target=server.serve_forever).start()
        yield server.server_address[1]
        server.shutdown()


# Also a name that nobody has (RFC 6761 §6.4), and an address to which no connection leads.
@pytest.mark.guard(claim="A mail server out of reach costs no mail.")
@pytest.mark.parametrize("host", ["127.0.0.1", "mail.invalid", "255.255.255.255"])
def test_mail__to_a_server_out_of_reach__is_sent_by_another(
    bob, closed, comment, host, jobs, mails, new_post
):
    jobs.environment["EMAIL_URL"] = f"smtp://{host}:{closed}"
    jobs.start("worker", "beat")
    slug = new_post(published=True)["slug"]
    made = bob.post(f"{POSTS}{slug}/comments/", json=comment).json()["id"]

    line = f"mail_comment({made}) again in"
    wait_for(lambda: (jobs.folder / "worker").read_text().count(line) >= 2, "it was given up")
    jobs.kill()
    jobs.environment["EMAIL_URL"] = mails.url
    jobs.start("worker", "beat")
    wait_for(lambda: mails.about(slug), "no mail came")


@pytest.mark.guard(claim="Two beats and two workers publish a post once.")
def test_posts__due_with_two_beats__are_published_once(author, database_url, jobs, tag):
    jobs.start()
    jobs.start()
    at = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    for number in range(50):
        post = {"title": f"{tag} {number}", "tags": [tag], "publish_at": at}
        assert author.post(POSTS, json=post).status_code == 201

    params = {"tag": tag, "status": "published", "page_size": 100}
    wait_for(
        lambda: len(author.get(POSTS, params=params).json()["results"]) == 50, "some did not appear"
    )
    with psycopg.connect(database_url) as connection:
        (revisions,) = connection.execute(COUNT_REVISIONS, [f"{tag} %"]).fetchone()
    assert revisions == 50


COUNT_REVISIONS = """
    SELECT count(*) FROM blog_revision JOIN blog_post ON post_id = blog_post.id WHERE title LIKE %s
"""
