"""Fixtures: real web processes, clients that speak HTTP to them, and rows to start from."""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from redis import Redis

from tests.valkey import Valkey

STAGE = Path(__file__).resolve().parent.parent
SECONDS_TO_START = 60
# For web and workers alike, as long as the tests run.
MEDIA = TemporaryDirectory(prefix="media-")
os.environ["MEDIA_ROOT"] = MEDIA.name
TLS = ssl.create_default_context()  # once: making one takes longer than a request


class Web:
    """A web process on a port of its own; its log lines go to the file `log`."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.environment = {**os.environ, **environment}
        self.start()

    def start(self) -> None:
        options = f"--port {self.port} --no-access-log --no-proxy-headers"
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", *options.split()]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=STAGE, env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                httpx.get(self.url, verify=TLS)
                return
            except httpx.TransportError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"No web process:\n{self.log.read_text()}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def client(self) -> httpx.Client:
        """A client of somebody whom the service does not know."""
        return httpx.Client(base_url=self.url, timeout=30, verify=TLS)

    def author(self) -> httpx.Client:
        """A client of somebody who may write; of the same one at each call."""
        return self.logged_in("author@example.com")

    def logged_in(self, email: str, role: str = "author", **fields: Any) -> httpx.Client:
        """A client with an access token of this account, which is made if it is not there."""
        client = self.client()
        client.headers["Authorization"] = f"Bearer {committed(tokens, email, role, **fields)}"
        return client


class Service(Web):
    """The service where it runs already, whose accounts are made through its API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tokens: dict[str, str] = {}

    def logged_in(self, email: str, role: str = "author", **fields: Any) -> httpx.Client:
        if email not in self.tokens:
            account = {"email": email, "password": "quokka on a hill"}
            with self.client() as client:
                client.post("/api/v1/auth/register/", json={**account, "name": "Author"})
                token = client.post("/api/v1/auth/token/", json=account)
            self.tokens[email] = token.json()["access"]
        client = self.client()
        client.headers["Authorization"] = f"Bearer {self.tokens[email]}"
        return client


def committed(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls it on a connection of its own: what a test does on its own is never committed."""

    def call() -> Any:
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def account(email: str, role: str = "author", **fields: Any) -> Any:
    """The user with this address, who has no password."""
    from django.contrib.auth.models import Group

    from accounts.models import User

    fields = {"name": email.partition("@")[0].title(), "password": "!", **fields}
    user, created = User.objects.get_or_create(email=email, defaults=fields)
    if created:
        user.groups.add(Group.objects.get(name=role))
    return user


def tokens(*args: Any, **kwargs: Any) -> str:
    from accounts.services import log_in

    return log_in(user=account(*args, **kwargs))["access"]


# First, or pytest-django would sort the tests before it can tell them apart.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test needs the database, also one that reaches it through a web process alone.

    It needs the roles that migrations have made, too, also after a test that empties all tables.
    """
    for item in items:
        marker = item.get_closest_marker("django_db")
        options = marker.kwargs if marker else {}
        item.add_marker(pytest.mark.django_db(**options, serialized_rollback=True), append=False)


@pytest.fixture(scope="session", autouse=True)
def quick_hashing() -> Iterator[None]:
    """Passwords are hashed by the tests themselves as by their web processes."""
    from tests.settings import PASSWORD_HASHERS

    with override_settings(PASSWORD_HASHERS=PASSWORD_HASHERS):
        yield


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The database that pytest-django has made for the tests."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return url._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@pytest.fixture(scope="session")
def webs() -> list[Web]:
    """The web processes that run, the latest last."""
    return []


@pytest.fixture(autouse=True)
def end_webs(webs: list[Web]) -> Iterator[None]:
    """Ends those that a test has started: an idle one still takes memory and time."""
    shared = len(webs)
    yield
    while len(webs) > shared:
        webs.pop().stop()


@pytest.fixture(scope="session")
def start_web(
    webs: list[Web], tmp_path_factory: pytest.TempPathFactory, database_url: str
) -> Iterator[Callable[..., Web]]:
    """Starts one more web process at each call, and ends them all with the tests."""

    def start(**environment: str) -> Web:
        # The counts of all processes are one; each test of a limit begins with none.
        with Redis.from_url(settings.REDIS_URL) as server:
            for key in server.scan_iter("throttle_*"):
                server.delete(key)
        log = tmp_path_factory.mktemp("web") / "log"
        rates = dict.fromkeys(("LOGIN_RATE", "REGISTRATION_RATE", "WRITE_RATE"), "1000/s")
        names = {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        webs.append(Web(log, {**names, **rates, **environment}))
        return webs[-1]

    yield start
    for web in webs:
        web.stop()


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    valkey = Valkey()
    yield valkey
    valkey.kill()


@pytest.fixture(scope="session")
def web(start_web: Callable[..., Web]) -> Web:
    """One that the tests start, or the one at SERVICE_URL."""
    return Service(os.environ["SERVICE_URL"]) if "SERVICE_URL" in os.environ else start_web()


@pytest.fixture(scope="session")
def elsewhere(start_web: Callable[..., Web]) -> Web:
    """One more web process of the same service."""
    return start_web()


@pytest.fixture(scope="session")
def client(web: Web) -> Iterator[httpx.Client]:
    with web.client() as client:
        yield client


@pytest.fixture
def author(web: Web) -> Iterator[httpx.Client]:
    with web.author() as client:
        yield client


@pytest.fixture
def log_in(web: Web) -> Iterator[Callable[..., httpx.Client]]:
    """Makes clients of accounts."""
    with ExitStack() as stack:
        yield lambda *args, **fields: stack.enter_context(web.logged_in(*args, **fields))


@pytest.fixture
def alice(log_in: Callable[..., httpx.Client]) -> httpx.Client:
    return log_in("alice@example.com")


@pytest.fixture
def bob(log_in: Callable[..., httpx.Client]) -> httpx.Client:
    return log_in("bob@example.com")


@pytest.fixture
def carol(log_in: Callable[..., httpx.Client]) -> httpx.Client:
    """An editor."""
    return log_in("carol@example.com", "editor")


@pytest.fixture
def reader(log_in: Callable[..., httpx.Client]) -> httpx.Client:
    return log_in("reader@example.com", "reader")


@pytest.fixture
def staff(log_in: Callable[..., httpx.Client]) -> httpx.Client:
    """A reader to whom the admin is open."""
    return log_in("staff@example.com", "reader", is_staff=True)


@pytest.fixture
def superuser(log_in: Callable[..., httpx.Client]) -> httpx.Client:
    """An administrator, who may everything."""
    return log_in("superuser@example.com", "reader", is_staff=True, is_superuser=True)


@pytest.fixture
def crowd(web: Web) -> Iterator[Callable[..., list[httpx.Client]]]:
    """Makes as many clients as asked for, of one author, each with a connection of its own."""
    with ExitStack() as stack:
        yield lambda size, at=web: [stack.enter_context(at.author()) for _ in range(size)]


@pytest.fixture
def tag() -> str:
    """A tag that no other test uses, to tell the posts of this test from all others."""
    return f"tag-{uuid4().hex}"


@pytest.fixture
def new_post(author: httpx.Client, tag: str) -> Callable[..., dict[str, Any]]:
    """Writes a post with this test's tag, and publishes it if asked to."""

    def create(*, published: bool = False, **fields: Any) -> dict[str, Any]:
        post = author.post("/api/v1/posts/", json={"title": "A post", "tags": [tag], **fields})
        assert post.status_code == 201, post.text
        if published:
            post = author.post(f"/api/v1/posts/{post.json()['slug']}/publish/")
            assert post.status_code == 200, post.text
        return dict(post.json())

    return create


@pytest.fixture
def new_todo(author: httpx.Client) -> Callable[..., dict[str, Any]]:
    def create(**fields: Any) -> dict[str, Any]:
        todo = author.post("/api/v1/todos/", json={"title": "A to-do", **fields})
        assert todo.status_code == 201, todo.text
        return dict(todo.json())

    return create


@pytest.fixture
def store_post() -> Callable[..., Any]:
    """Stores a draft without HTTP."""
    from blog.services import create_post

    author = account("author@example.com")

    def store(title: str = "A post", tags: Sequence[str] = ()) -> Any:
        return create_post(author=author, title=title, body="", tags=list(tags))

    return store


@pytest.fixture
def store_todo() -> Callable[..., Any]:
    """Stores a to-do on no post, without HTTP."""
    from todos.services import create_todo

    fields = {"description": "", "done": False, "due_on": None, "post": None}
    return lambda: create_todo(owner=account("author@example.com"), title="A to-do", **fields)


@pytest.fixture
def comment() -> dict[str, str]:
    """What a client sends to comment."""
    return {"body": "Well said."}


@pytest.fixture
def problem() -> Callable[..., dict[str, Any]]:
    """Checks that a response is a problem (RFC 9457) and returns it."""

    def check(response: httpx.Response, status: int, *fields: str) -> dict[str, Any]:
        assert response.status_code == status, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        content = response.json()
        assert content["status"] == status
        assert all(content[name] for name in ("type", "title", "detail"))
        assert set(content.get("errors", {})) == set(fields)
        return dict(content)

    return check
