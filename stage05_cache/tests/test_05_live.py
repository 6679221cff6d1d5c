"""Comments as they come: what a listener gets, whatever happens in between."""

import json
import socket
import time
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.test import Client

POSTS = "/api/v1/posts/"
LISTENERS = 200
THREADS = 60


@pytest.fixture
def post(new_post):
    return f"{POSTS}{new_post(published=True)['slug']}/"


@pytest.fixture
def write(author, post, comment):
    """Comments on the post, with these words."""

    def write(body):
        written = author.post(f"{post}comments/", json={**comment, "body": body})
        assert written.status_code == 201
        return written.json()

    return write


@contextmanager
def listening(web, post, **headers):
    """The events as a listener gets them: pairs of an id and a comment."""
    with web.client() as client:
        stream = client.stream("GET", f"{post}comments/stream/", headers=headers)
        with stream as response:
            assert response.status_code == 200
            assert response.headers["Content-Type"] == "text/event-stream"
            yield events(response.iter_lines())


def events(lines):
    event = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif "data" in event:
            assert event["event"] == "comment"
            yield int(event["id"]), json.loads(event["data"])
            event = {}


def test_stream__of_a_post__tells_its_new_comments_as_the_api_does(web, post, write, new_post):
    write("before")
    with listening(web, post) as stream:
        written = [write(str(number)) for number in range(3)]

        for comment in written:
            assert next(stream) == (comment["id"], comment)


def test_stream__resumed__has_what_was_missed(web, post, write):
    written = [write(str(number)) for number in range(150)]  # more than are read at once

    known = {"Last-Event-ID": str(written[0]["id"])}
    with listening(web, post, **known) as stream:
        assert [next(stream)[1]["body"] for _ in written[1:]] == [c["body"] for c in written[1:]]
        last = write("last")
        assert next(stream) == (last["id"], last)


def test_stream__many_idle_listeners__hold_no_connection_to_the_database(
    start_web, author, post, comment
):
    web = start_web()
    host, port = web.url.removeprefix("http://").split(":")
    target = f"GET {post}comments/stream/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with ExitStack() as stack:
        sockets = []
        for _ in range(LISTENERS):
            listener = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            listener.sendall(target)
            sockets.append(listener)
        for listener in sockets:
            assert listener.recv(65536).startswith(b"HTTP/1.1 200")

        assert len(list(Path(f"/proc/{web.process.pid}/task").iterdir())) < THREADS
        # More requests at once than the pool has connections.
        with web.client() as client:
            assert client.get(f"{POSTS}?page_size=1").status_code == 200
        author.post(f"{post}comments/", json=comment)

        for listener in sockets:
            heard = b""
            while b"\ndata: " not in heard:
                heard += listener.recv(65536)


def test_stream__redis_away__tells_at_the_next_heartbeat(start_web, valkey, post, comment):
    web = start_web(REDIS_URL=valkey.url, STREAM_HEARTBEAT="1")
    with listening(web, post) as stream, web.author() as author:
        valkey.kill()
        written = author.post(f"{post}comments/", json=comment).json()
        assert next(stream) == (written["id"], written)

        valkey.start()
        written = author.post(f"{post}comments/", json=comment).json()
        assert next(stream) == (written["id"], written)


def test_stream__nothing_new__sends_heartbeats(start_web, post):
    with (
        start_web(STREAM_HEARTBEAT="0.2").client() as client,
        client.stream("GET", f"{post}comments/stream/") as response,
    ):
        lines = response.iter_lines()
        assert [next(lines) for _ in range(4)] == [": nothing new", ""] * 2


def test_stream__more_than_may_be_held__is_503_until_one_leaves(start_web, post, problem):
    web = start_web(STREAM_LIMIT="2", STREAM_HEARTBEAT="0.2")

    def listen(client):
        with client.stream("GET", f"{post}comments/stream/") as response:
            if response.status_code != 200:
                response.read()
            return response

    with web.client() as late, listening(web, post):
        with listening(web, post):
            refused = listen(late)
            problem(refused, 503)
            assert int(refused.headers["Retry-After"]) > 0

        deadline = time.monotonic() + 10
        while listen(late).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_stream__of_a_post_that_is_deleted__ends(web, author, post, problem):
    path = f"{post}comments/stream/"
    with web.client() as client:
        with client.stream("GET", path) as response:
            assert author.delete(post).status_code == 204
            # A heartbeat comes sooner than the client gives up.
            assert next(response.iter_lines(), None) is None
        problem(client.get(path), 404)


def test_stream__of_a_draft_or_of_nothing__is_404(author, client, new_post, problem):
    for reader in (client, author):
        problem(reader.get(f"{POSTS}{new_post()['slug']}/comments/stream/"), 404)
        problem(reader.get(f"{POSTS}nowhere/comments/stream/"), 404)


@pytest.mark.parametrize("last", ["-1", "one", "1" * 30, "²"])
def test_stream__last_event_id_that_is_none__is_400(client, post, problem, last):
    known = {"Last-Event-ID": last.encode()}
    problem(client.get(f"{post}comments/stream/", headers=known), 400)


def test_stream__asked_for_options__is_405(client, post, problem):
    refused = client.options(f"{post}comments/stream/")

    problem(refused, 405)
    assert refused.headers["Allow"] == "GET, HEAD"


def test_stream__asked_for_its_head__ends(web, post):
    with closing(HTTPConnection(web.url.removeprefix("http://"), timeout=5)) as connection:
        for method, path in (("HEAD", f"{post}comments/stream/"), ("GET", post)):
            connection.request(method, path)
            answer = connection.getresponse()
            assert answer.status == 200
            assert (answer.headers["Content-Type"] == "text/event-stream") == (method == "HEAD")
            answer.read()


def test_stream__where_none_can_be_held__is_501(post):
    assert Client().get(f"{post}comments/stream/").status_code == 501
