"""What the deploy layer is for, in real containers: each proof fails on the stage before."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

STAGE = Path(__file__).resolve().parent.parent
POSTS = "/api/v1/posts/"
RATES = ("LOGIN", "REGISTRATION", "WRITE")
SERVICES = ("web-a", "web-b", "stream", "worker", "reports", "beat")
# Nothing else of ours gets through: compose would prefer the environment to its own .env.
PASSED_ON = ("HOME", "PATH", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CERT_PATH")
ENVIRONMENT = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
# What a stage without containers says.
NO_STACK = "no configuration file provided"


def output(command, **options):
    """What a program prints; its complaints are the message of the failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    return done.stdout


class Stack:
    """The whole service in containers, from a copy of the stage, with ports of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.name = f"strata-test-{uuid4().hex[:8]}"
        self.is_up = False

    def run(self, *command, **options):
        return output(command, cwd=self.folder, env=ENVIRONMENT, **options)

    def compose(self, *args, **options):
        return self.run("docker", "compose", *args, **options)

    def inside(self, service, *command):
        return self.compose("exec", "-T", service, *command)

    def up(self):
        """Starts it, once for all tests, as its README says."""
        if not self.is_up:
            self.compose("config", "--quiet")
            self.run("ops/init")
            http, https = free_ports()
            self.url = f"https://localhost:{https}"
            with (self.folder / ".env").open("a") as env:
                env.write(f"COMPOSE_PROJECT_NAME={self.name}\nIMAGE={self.name}\nVERSION=one\n")
                env.write(f"HTTP_PORT={http}\nHTTPS_PORT={https}\nPUBLIC_URL={self.url}\n")
                env.writelines(f"{name}_RATE=1000/s\n" for name in RATES)
            self.compose("up", "--build", "--wait")
            self.is_up = True
        return self

    def client(self, **options):
        tls = ssl.create_default_context(cafile=str(self.folder / "ops/secrets/ca.crt"))
        return httpx.Client(base_url=self.url, verify=tls, timeout=30, **options)

    def author(self):
        account = {"email": f"{uuid4().hex}@example.com", "password": "quokka on a hill"}
        client = self.client()

        def logged_in():
            # A process whose connection to Redis has died finds that out by its first use.
            client.post("/api/v1/auth/register/", json={**account, "name": "Ada"})
            token = client.post("/api/v1/auth/token/", json=account).json().get("access")
            client.headers["Authorization"] = f"Bearer {token}"
            return token

        self.wait_until(logged_in, limit=10)
        return closing(client)

    def wait_until(self, condition, limit=60):
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    def down(self):
        if self.is_up:
            self.compose("down", "--volumes", "--timeout", "5")
            images = self.run("docker", "images", "--quiet", self.name).split()
            self.run("docker", "rmi", "--force", *set(images))


def free_ports():
    """Two, as long as nobody else takes them."""
    with socket.create_server(("", 0)) as one, socket.create_server(("", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    if not shutil.which("docker") or subprocess.run(["docker", "ps"], check=False).returncode:
        pytest.skip("no container engine answers")
    folder = tmp_path_factory.mktemp("stack") / "service"
    ignored = shutil.ignore_patterns(".env", "secrets", "backups", "media")
    shutil.copytree(STAGE, folder, ignore=ignored)
    stack = Stack(folder)
    yield stack
    stack.down()


def load(stack, meanwhile, at_least):
    """What at least so many reads by eight clients are answered with while something is done."""
    answers = Counter()
    with ThreadPoolExecutor(9) as pool:
        deed = pool.submit(meanwhile)

        def read():
            with stack.client() as client:
                while sum(answers.values()) < at_least or not deed.done():
                    try:
                        answers[client.get(POSTS).status_code] += 1
                    except httpx.HTTPError as error:
                        answers[repr(error)] += 1

        for reader in [pool.submit(read) for _ in range(8)]:
            reader.result()
        deed.result()
    return answers


@pytest.mark.proof(
    claim="One of two web containers is killed under load, and none of 2,000 requests fails.",
    before=NO_STACK,
)
def test_kill__one_web_container_under_load__no_request_fails(stack):
    stack.up()

    def kill():
        time.sleep(1)  # so that there is load
        stack.compose("kill", "web-b")

    answers = load(stack, kill, at_least=2000)
    stack.compose("up", "--detach", "--no-deps", "--wait", "web-b")

    assert set(answers) == {200}


@pytest.mark.proof(
    claim="A new version is rolled out under load, and no request fails.", before=NO_STACK
)
def test_deploy__new_version_under_load__no_request_fails(stack):
    stack.up()

    answers = load(stack, lambda: stack.run("ops/deploy", "two"), at_least=2000)

    assert set(answers) == {200}
    for service in SERVICES:
        assert stack.compose("ps", "--format", "{{.Image}}", service).strip() == f"{stack.name}:two"


@pytest.mark.guard(
    claim="A version that does not become ready is backed out, and no request fails."
)
def test_deploy__version_that_does_not_start__is_backed_out(stack):
    stack.up()
    before = stack.compose("ps", "--format", "{{.Image}}", "web-a")
    broken = f"FROM {before}CMD false\n"
    stack.run("docker", "build", "--tag", f"{stack.name}:broken", "-", input=broken)

    def deploy():
        with pytest.raises(AssertionError, match="did not become ready; back to"):
            stack.run("ops/deploy", "broken")

    answers = load(stack, deploy, at_least=500)

    assert set(answers) == {200}
    for service in ("web-a", "web-b"):
        assert stack.compose("ps", "--format", "{{.Image}}", service) == before


@pytest.mark.guard(claim="The contract holds in containers, behind the proxy, over HTTPS.")
def test_contract__behind_the_proxy__holds(stack, database_url):
    stack.up()
    files = sorted(str(path) for path in STAGE.glob("tests/test_contract_*.py"))
    own = {
        "SERVICE_URL": stack.url,
        "SSL_CERT_FILE": str(stack.folder / "ops/secrets/ca.crt"),
        # Its fixtures want a database, though the service has another.
        "DATABASE_URL": f"{database_url}_unused",
    }

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    output(command, cwd=STAGE, env={**os.environ, **own})


def dump(stack):
    """Every row, as text."""
    text = stack.inside("database", "pg_dump", "--username=strata", "--data-only", "strata")
    # A word that is made up anew each time.
    return [line for line in text.splitlines() if not line.startswith("\\")]


@pytest.mark.proof(claim="A backup restored into an empty database has every row.", before=NO_STACK)
@pytest.mark.parametrize(
    ("database", "changes"),
    [
        ("postgres", ["DROP DATABASE strata", "CREATE DATABASE strata"]),
        # Nor does what a later release has added stand in its way.
        ("strata", ["CREATE TABLE later (reader bigint REFERENCES accounts_user)"]),
    ],
)
def test_backup__restored_into_an_empty_database__has_every_row(stack, database, changes):
    stack.up()
    with stack.author() as author:
        author.post(POSTS, json={"title": "Ünï"})
    before = dump(stack)
    assert any("Ünï" in line for line in before)

    file = stack.run("ops/backup").strip()
    stack.compose("stop", *SERVICES)
    for change in changes:
        psql = ("psql", "--username=strata", f"--dbname={database}", "--command", change)
        stack.inside("database", *psql)
    stack.run("ops/restore", file)

    assert dump(stack) == before
    with stack.client() as client:
        assert client.get(POSTS).status_code == 200


@pytest.mark.guard(claim="Killed databases come back, and nothing that was acknowledged is lost.")
def test_databases__killed_and_started_again__lose_nothing(stack):
    stack.up()
    with stack.author() as author:
        written = []
        for number in range(20):
            if number == 10:
                export = author.post("/api/v1/exports/").headers["Location"]  # promised too
                stack.compose("kill", "database", "redis")
                for _ in range(6):  # time enough for pauses between attempts to grow, if they did
                    refused = author.post(POSTS, json={"title": "Refused"})
                    assert refused.status_code == 503
                    assert refused.elapsed.total_seconds() < 2
                stack.compose("up", "--detach", "--no-deps", "--wait", "database", "redis")
                stack.wait_until(lambda: author.get(POSTS).status_code == 200, limit=1)
            post = author.post(POSTS, json={"title": f"Kept {number}"})
            assert post.status_code == 201, post.text
            written.append(post.json())
        for post in written:
            assert author.get(f"{POSTS}{post['slug']}/").json() == post
        stack.wait_until(lambda: author.get(export).json()["status"] == "ready")


@pytest.mark.guard(claim="Containers run as ordinary users, on read-only roots, with limits.")
def test_containers__inspected__have_no_more_rights_than_they_need(stack):
    stack.up()

    for container in json.loads(stack.run("docker", "inspect", *stack.compose("ps", "-q").split())):
        config, host = container["Config"], container["HostConfig"]
        assert int(config["User"].partition(":")[0]) > 0, container["Name"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        secret = re.compile(r"(PASSWORD|KEY|EMAIL_URL)=|://.*:.*@")
        assert not any(secret.search(line) for line in config["Env"])
        published = [port for port in container["NetworkSettings"]["Ports"].values() if port]
        assert bool(published) == container["Name"].endswith("-proxy-1")
    image = f"{stack.name}:one"
    history = stack.run("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    for secret in (stack.folder / "ops/secrets").iterdir():
        assert secret.read_text() not in history


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
@pytest.mark.guard(claim="From outside there is TLS 1.2 or better, and the service alone.")
def test_proxy__from_outside__speaks_tls_and_hides_what_is_internal(stack):
    stack.up()
    port = int(stack.url.rpartition(":")[2])
    plain = stack.compose("port", "proxy", "8080").strip().rpartition(":")[2]

    moved = httpx.get(f"http://localhost:{plain}{POSTS}?page_size=1")
    assert moved.status_code == 308
    assert moved.headers["Location"] == f"{stack.url}{POSTS}?page_size=1"
    for version, works in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        tls = ssl.create_default_context(cafile=str(stack.folder / "ops/secrets/ca.crt"))
        tls.set_ciphers("DEFAULT:@SECLEVEL=0")
        tls.minimum_version = tls.maximum_version = version
        assert connects(port, tls) is works
    with stack.client() as client:
        for path in ("/metrics", "/healthz", "/readyz", "/%6detrics", "/x/../metrics"):
            assert client.get(path).status_code == 404


def connects(port, tls):
    try:
        with socket.create_connection(("localhost", port)) as raw:
            tls.wrap_socket(raw, server_hostname="localhost").close()
            return True
    except (ssl.SSLError, ConnectionError):
        return False


@pytest.mark.guard(
    claim="A comment is mailed, and the id of its request is in all logs on the way."
)
def test_comment__through_the_proxy__is_mailed_and_leaves_its_id_in_all_logs(stack):
    stack.up()
    name = f"find-{uuid4().hex}"
    with stack.author() as author, stack.author() as other:
        url = f"{POSTS}{author.post(POSTS, json={'title': name}).json()['slug']}/"
        author.post(f"{url}publish/")
        headers = {"X-Request-ID": name}
        said = other.post(f"{url}comments/", json={"body": "Well said."}, headers=headers)
        assert said.status_code == 201, said.text

    def log(*services):
        lines = stack.compose("logs", "--no-log-prefix", *services).splitlines()
        return [line for line in lines if name in line]

    for services in (["proxy"], ["web-a", "web-b"], ["worker"]):
        stack.wait_until(lambda services=services: log(*services), limit=20)
        assert all(json.loads(line[line.index("{") :]) for line in log(*services))
    stack.wait_until(lambda: log("mail"), limit=20)


@pytest.mark.guard(claim="An export is made by a worker, and downloaded from another container.")
def test_export__made_in_one_container__is_downloaded_from_another(stack):
    stack.up()
    with stack.author() as author:
        author.post(POSTS, json={"title": "Mine"})
        asked = author.post("/api/v1/exports/")
        assert asked.status_code == 202, asked.text
        location = asked.headers["Location"]
        stack.wait_until(lambda: author.get(location).json()["status"] == "ready")
        download = author.get(location).json()["download"]
        # The process of downloads finds out by its first use that its connection has died.
        stack.wait_until(lambda: author.get(download).status_code != 503, limit=2)
        files = author.get(download)
    assert files.content.startswith(b"PK")
