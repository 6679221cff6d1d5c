"""What the stack does in containers when a hand, a client or a server does the wrong thing."""

import shutil
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from socket import create_connection

import pytest
import test_07_proofs
from test_07_proofs import ENVIRONMENT, POSTS, SERVICES, load

stack = test_07_proofs.stack
NEVER_SENT = (
    b"POST /api/v1/auth/token/ HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
)


@pytest.fixture
def engine(tmp_path):
    """Puts a script before the engine's command, which it knows as $DOCKER; gives the PATH."""

    def before(script):
        shim = tmp_path / "docker"
        shim.write_text(
            f'#!/bin/sh\nDOCKER={shutil.which("docker")}\n{script}\nexec $DOCKER "$@"\n'
        )
        shim.chmod(0o755)
        return f"PATH={tmp_path}:{ENVIRONMENT['PATH']}"

    return before


def versions(stack):
    """Which version each service runs."""
    ids = [stack.compose("ps", "--quiet", service).strip() for service in SERVICES]
    found = stack.run("docker", "inspect", "--format", "{{.Config.Image}}", *ids).split()
    return {name: image.rpartition(":")[2] for name, image in zip(SERVICES, found, strict=True)}


def test_deploy__version_that_runs_under_load__no_request_fails(stack):
    stack.up()
    # The same commands as in ops/deploy: after them there is nothing for compose to do.
    for service in ("web-a", "web-b"):
        stack.compose("up", "--detach", "--no-deps", "--wait", service)
    env = stack.folder / ".env"
    lines = env.read_text().splitlines()
    env.write_text("\n".join(line for line in lines if not line.startswith("VERSION=")))

    answers = load(stack, lambda: stack.run("ops/deploy", "one"), at_least=500)

    assert set(answers) == {200}
    for service in ("web-a", "web-b"):
        stack.inside(service, "test", "!", "-e", "/tmp/draining")
    assert env.read_text().endswith("\nVERSION=one\n")


def test_deploy__way_back_broken_for_one_process__others_go_back(stack, engine):
    stack.up()
    # Its web processes are ready, and its workers are not.
    without = ("USER root", "RUN rm /venv/bin/celery", "USER 10001:10001")
    broken = "\n".join([f"FROM {stack.name}:one", *without])
    stack.run("docker", "build", "--tag", f"{stack.name}:broken", "-", input=broken)
    path = engine('case "$VERSION $*" in "one compose up"*" stream") exit 1 ;; esac')

    with pytest.raises(AssertionError, match="worker did not become ready; back to one") as failed:
        stack.run("env", path, "ops/deploy", "broken")

    assert "stream is not back" in str(failed.value)
    assert versions(stack) == {**dict.fromkeys(SERVICES, "one"), "stream": "broken"}
    stack.run("ops/deploy", "one")
    assert versions(stack) == dict.fromkeys(SERVICES, "one")


def test_deploy__registry_that_does_not_answer__changes_nothing(stack):
    stack.up()
    name = f"registry.invalid/{stack.name}"
    stack.run("docker", "tag", f"{stack.name}:one", f"{name}:one")
    up = ("docker", "compose", "up", "--detach", "--no-deps", "--no-build", "--wait", "web-a")
    stack.run("env", f"IMAGE={name}", "VERSION=one", *up)
    before = stack.compose("ps", "--quiet", *SERVICES)

    with pytest.raises(AssertionError):
        stack.run("env", f"IMAGE={name}", "ops/deploy", "unknown")

    assert stack.compose("ps", "--quiet", *SERVICES) == before
    assert not stack.run("docker", "images", "--quiet", f"{name}:unknown")


def test_bodies__more_that_never_come_than_there_are_threads__stop_nobody_else(stack):
    stack.up()
    tls = ssl.create_default_context(cafile=str(stack.folder / "ops/secrets/ca.crt"))
    with ExitStack() as open_, stack.client() as client:
        for _ in range(16):
            raw = open_.enter_context(create_connection(("localhost", client.base_url.port)))
            open_.enter_context(tls.wrap_socket(raw, server_hostname="localhost")).send(NEVER_SENT)
        for _ in range(20):
            response = client.get(POSTS)
            assert response.status_code == 200
            assert response.elapsed.total_seconds() < 2


def test_stream__asked_for_while_its_process_is_replaced__comes(stack):
    stack.up()
    with stack.author() as author, ThreadPoolExecutor() as pool:
        url = f"{POSTS}{author.post(POSTS, json={'title': 'Live'}).json()['slug']}/"
        author.post(f"{url}publish/")
        stack.compose("stop", "stream")

        def ask():
            with stack.client() as client, client.stream("GET", f"{url}comments/stream/") as came:
                return came.status_code

        asked = pool.submit(ask)
        stack.compose("start", "stream")
        assert asked.result() == 200


def test_database__killed__sixteen_clients_at_once_hear_of_it_in_time(stack):
    stack.up()
    with stack.author() as author, ThreadPoolExecutor(16) as pool:
        stack.compose("kill", "database")

        def write(number):
            return author.post(POSTS, json={"title": f"Refused {number}"})

        refused = list(pool.map(write, range(64)))
        stack.compose("up", "--detach", "--no-deps", "--wait", "database")
        stack.wait_until(lambda: author.get(POSTS).status_code == 200, limit=5)
    assert {response.status_code for response in refused} == {503}
    assert max(response.elapsed.total_seconds() for response in refused) < 2
    assert {response.json()["detail"][:12] for response in refused} == {"The database"}


def test_networks__seen_from_a_container__end_where_its_work_ends(stack):
    stack.up()
    call_home = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=3)"

    with pytest.raises(AssertionError, match="Network is unreachable"):
        stack.inside("web-a", "python", "-c", call_home)
    stack.inside("proxy", "getent", "hosts", "web-a")
    with pytest.raises(AssertionError):
        stack.inside("proxy", "getent", "hosts", "database")


def test_backup__cut_short__is_refused(stack, engine):
    stack.up()
    path = engine('case "$*" in *pg_dump*) $DOCKER "$@" | head -c -1000; exit ;; esac')

    with pytest.raises(AssertionError, match="could not"):
        stack.run("env", path, "ops/backup", "cut.dump")

    assert not (stack.folder / "cut.dump").exists()
    stack.run("ops/backup", "whole.dump")
    assert (stack.folder / "whole.dump").stat().st_mode & 0o077 == 0
