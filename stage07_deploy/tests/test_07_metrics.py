"""What the metrics tell of jobs, and that dashboard and alerts ask for nothing else."""

import re
from datetime import timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.utils.timezone import now
from test_06_proofs import STAGE, Jobs, Mails, wait_for
from test_07_proofs import free_ports

from blog.mails import mail_comment
from outbox.models import Message
from tests.conftest import committed


@pytest.mark.parametrize(("attempts", "waits"), [(0, True), (1, False)])
def test_metrics__old_job__waits_until_it_was_begun(web, attempts, waits):
    asked = now() - timedelta(hours=1)
    facts = {"args": [], "headers": {}, "created_at": asked, "due_at": asked + timedelta(days=1)}
    message = committed(Message.objects.create, task="a", attempts=attempts, **facts)
    with web.client() as client:
        text = client.get("/metrics").text
    committed(message.delete)

    (seconds,) = re.findall(r"^outbox_oldest_seconds (.+)$", text, re.MULTILINE)
    assert (float(seconds) >= 3600) is waits


@pytest.fixture
def mails():
    server = Mails()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def worker(database_url, mails, tmp_path):
    """One that does mails, with what sends it jobs; yields where its metrics are."""
    port, _ = free_ports()
    own = {"DATABASE_URL": database_url, "EMAIL_URL": mails.url}
    watched = {"METRICS_PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    jobs = Jobs(tmp_path, **own, **watched)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM outbox_message")  # what other tests have asked for
    jobs.start("worker", "beat")
    yield f"http://127.0.0.1:{port}"
    jobs.kill()


def test_metrics__of_jobs__count_them_by_how_they_ended(bob, comment, mails, new_post, worker):
    mails.answers = ["451 4.7.1 Greylisted", "550 5.1.1 No such user"]
    url = new_post(published=True)["url"]
    for _ in range(2):
        assert bob.post(f"{url}comments/", json=comment).status_code == 201
    # A copy of one that is done: there is no message any more.
    mail_comment.apply_async([1], task_id=str(uuid4()))

    def counted():
        try:
            text = httpx.get(worker).text
        except httpx.TransportError:
            return {}
        pattern = r'jobs_total{state="(\w+)",task="blog.mails.mail_comment"} (.+)'
        return {state: float(number) for state, number in re.findall(pattern, text)}

    once = dict.fromkeys(("SUCCESS", "RETRY", "FAILURE"), 1)
    wait_for(lambda: once.items() <= counted().items(), "they were not counted so")
    # More than one on a busy machine, where a job that waits for long is sent again.
    assert counted()["IGNORED"] >= 1


def test_dashboard_and_alerts__ask_for_metrics__that_there_are(web):
    with web.client() as client:
        there = client.get("/metrics").text
    asked = (STAGE / "ops/monitoring/dashboard.json").read_text()
    asked += (STAGE / "ops/monitoring/alerts.yaml").read_text()

    names = set(re.findall(r"\b(?:http_request|jobs|outbox)_[a-z_]+\b", asked))

    assert names
    for name in names:
        family = re.sub(r"_(total|bucket|count|sum)$", "", name)
        assert f"# TYPE {family}" in there
