"""What holds across processes: how often, and only once."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from config.redis import client as valkey_client

POSTS, TODOS = "/api/v1/posts/", "/api/v1/todos/"
LOG_IN = "/api/v1/auth/token/"


@pytest.fixture
def key():
    return {"Idempotency-Key": uuid4().hex}


@pytest.fixture
def session(staff):
    """The cookie of somebody who has logged in to the admin."""

    def log_in():
        browser = Client()
        browser.force_login(get_user_model().objects.get(email="staff@example.com"))
        connection.close()
        return browser.cookies["sessionid"].value

    # On a connection of its own, where it is committed.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(log_in).result()


def guess(client, email):
    return client.post(LOG_IN, json={"email": email, "password": "a wrong guess"})


def test_limit__two_processes_at_once__lets_exactly_so_many_through(start_web, problem):
    webs, barrier = [start_web(WRITE_RATE="10/min") for _ in range(2)], Barrier(20)

    def write(web):
        with web.logged_in(email) as author:
            author.get("/")
            barrier.wait()
            return author.post(TODOS, json={"title": "A"})

    for _ in range(3):
        email = f"{uuid4().hex}@example.com"
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(write, webs * 10))
        assert sorted(answer.status_code for answer in answers) == [201] * 10 + [429] * 10

    refused = next(answer for answer in answers if answer.status_code == 429)
    problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_limit__window_passed__lets_through_again(start_web):
    web = start_web(WRITE_RATE="2/s")
    with web.logged_in(f"{uuid4().hex}@example.com") as author:
        deadline, statuses = time.monotonic() + 20, []
        while statuses.count(201) < 5:
            statuses.append(author.post(TODOS, json={"title": "A"}).status_code)
            assert time.monotonic() < deadline

    assert set(statuses) == {201, 429}


@pytest.mark.parametrize(("take", "give_back"), [("kill", "start"), ("freeze", "thaw")])
def test_redis_away__log_in_is_refused_and_writes_are_not(
    start_web, valkey, problem, take, give_back
):
    web = start_web(REDIS_URL=valkey.url)
    with web.client() as client, web.author() as author:
        assert guess(client, "nobody@example.com").status_code == 401

        getattr(valkey, take)()
        problem(guess(client, "nobody@example.com"), 503)
        assert author.post(POSTS, json={"title": "A"}).status_code == 201

        getattr(valkey, give_back)()
        deadline = time.monotonic() + 20
        while guess(client, "nobody@example.com").status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_session__redis_away__is_read_from_the_database(start_web, valkey, session):
    web = start_web(REDIS_URL=valkey.url)
    with web.client() as browser:
        browser.cookies.set("sessionid", session)
        assert browser.get("/admin/").status_code == 200
        valkey.kill()
        for _ in range(3):
            assert browser.get("/admin/").status_code == 200


def test_idempotency_key__sent_twice__stores_once_and_answers_alike(author, tag, key):
    post = {"title": "Once", "tags": [tag]}

    first, second = (author.post(POSTS, json=post, headers=key) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    for name in ("ETag", "Location", "Content-Type"):
        assert second.headers[name] == first.headers[name]
    assert len(author.get(POSTS, params={"tag": tag}).json()["results"]) == 1


def test_idempotency_key__of_a_long_answer__is_answered_without_its_body(author, tag, key):
    post = {"title": "Once", "tags": [tag], "body": "ü" * 40_000}

    first, second = (author.post(POSTS, json=post, headers=key) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert (len(first.content) > 64 * 1024, second.content) == (True, b"")
    assert second.headers["Location"] == first.headers["Location"]
    assert len(author.get(POSTS, params={"tag": tag}).json()["results"]) == 1


def test_idempotency_key__too_many_of_one_user__are_429(start_web, problem):
    web = start_web(IDEMPOTENCY_RATE="2/hour")
    with web.logged_in(f"{uuid4().hex}@example.com") as author:
        keys = [{"Idempotency-Key": uuid4().hex} for _ in range(3)]
        sent = [author.post(TODOS, json={"title": "A"}, headers=key) for key in keys]

        assert [answer.status_code for answer in sent] == [201, 201, 429]
        problem(sent[2], 429)
        assert 3500 <= int(sent[2].headers["Retry-After"]) <= 3600
        assert len(author.get(TODOS).json()["results"]) == 2
        assert author.post(TODOS, json={"title": "A"}).status_code == 201


def test_idempotency_key__raced_on_two_processes__stores_once(crowd, elsewhere):
    racers = crowd(2) + crowd(2, at=elsewhere)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            tag, key = f"tag-{uuid4().hex}", {"Idempotency-Key": uuid4().hex}
            post = {"title": "Once", "tags": [tag]}

            sent = [pool.submit(racer.post, POSTS, json=post, headers=key) for racer in racers]

            statuses = {each.result().status_code for each in sent}
            assert {201} <= statuses <= {201, 409}
            assert len(racers[0].get(POSTS, params={"tag": tag}).json()["results"]) == 1


def test_idempotency_key__with_another_body_or_path__is_422(author, problem, key):
    assert author.post(POSTS, json={"title": "A"}, headers=key).status_code == 201

    problem(author.post(POSTS, json={"title": "B"}, headers=key), 422)
    problem(author.post(TODOS, json={"title": "A"}, headers=key), 422)


def test_idempotency_key__of_another_user__is_another_key(author, bob, key):
    first, second = (who.post(POSTS, json={"title": "A"}, headers=key) for who in (author, bob))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["slug"] != second.json()["slug"]


def test_idempotency_key__of_a_refused_request__may_try_again(author, new_post, new_todo, key):
    post = new_post()
    todo = new_todo(post=post["slug"])
    publish = f"{POSTS}{post['slug']}/publish/"
    assert author.post(publish, headers=key).status_code == 409

    author.patch(f"{TODOS}{todo['id']}/", json={"done": True})
    assert author.post(publish, headers=key).status_code == 200


@pytest.mark.parametrize("value", ["", "a b", "ü", "x" * 256])
def test_idempotency_key__that_is_none__is_400(author, problem, value):
    sent = {"Idempotency-Key": value.encode()}
    problem(author.post(POSTS, json={"title": "A"}, headers=sent), 400)


def test_idempotency_key__request_still_at_work__is_409(author, problem, key):
    first = author.post(POSTS, json={"title": "A"}, headers=key)
    (place,) = valkey_client.keys(f"idempotency:*:{key['Idempotency-Key']}")
    claim = json.loads(valkey_client.get(place))
    valkey_client.set(place, json.dumps({"request": claim["request"]}))

    refused = author.post(POSTS, json={"title": "A"}, headers=key)

    assert first.status_code == 201
    problem(refused, 409)
    assert refused.headers["Retry-After"] == "1"
