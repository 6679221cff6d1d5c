"""The Valkey servers of the stages, and what they survive."""

import shutil
import signal
import stat
import subprocess
from contextlib import contextmanager

import pytest
import valkey
from checkouts import free_port, wait_until

ECHO_URL = ("shell", "-v", "0", "-c", "import os; print(os.environ.get('REDIS_URL'))")
FINDS_AND_LEAVES = """
import os
import time

import valkey


def test_server__of_this_run__is_empty():
    with valkey.Valkey.from_url(os.environ["REDIS_URL"]) as client:
        assert client.dbsize() == 0
        client.set("left", "over")
    time.sleep({seconds})
"""


@pytest.fixture
def caching(checkout):
    """A checkout with two stages that need Valkey."""
    for name in ("stage05_cached", "stage06_queued"):
        shutil.copytree(checkout.path / "stage02_data", checkout.path / name)
    return checkout


@contextmanager
def run_of(checkout, *stages):
    """A run of stages; their Valkeys' URLs and the call."""
    port = free_port()
    call = checkout.start("run", *stages, "--port", str(port))
    for i, _ in enumerate(stages):
        checkout.get(port + i)
    files = [next(checkout.path.glob(f"stage0{number}_*/.env")) for number in stages]
    yield [file.read_text().partition("REDIS_URL=")[2].strip() for file in files], call
    call.end()


def test_valkey__up__keeps_strangers_out(caching):
    with run_of(caching, "5") as ([url], _):
        with valkey.Valkey.from_url(url) as client:
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
            port = client.config_get("port")["port"]
        with valkey.Valkey(port=port) as stranger, pytest.raises(valkey.AuthenticationError):
            stranger.ping()
        (server,) = caching.processes("valkey-server")
        assert url.split(":")[2].split("@")[0] not in " ".join(server.cmdline())
    folder = caching.path / ".strata" / "valkey" / "stage05_cached"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert caching.processes() == []


def test_valkey__started_again__keeps_address_and_data(caching):
    with run_of(caching, "5") as ([first], _), valkey.Valkey.from_url(first) as client:
        client.set("word", "kept")
    with run_of(caching, "5") as ([second], _), valkey.Valkey.from_url(second) as client:
        assert first == second
        assert client.get("word") == b"kept"


def test_valkey__two_stages__publish_to_themselves_alone(caching):
    with run_of(caching, "5", "6") as (urls, _):
        one, other = (valkey.Valkey.from_url(url) for url in urls)
        with one, other, other.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe("news")
            listener.get_message(timeout=5)
            assert one.publish("news", "here") == 0
            assert other.publish("news", "there") == 1


def test_valkey__killed_with_everything__recovers(caching):
    with run_of(caching, "5") as ([url], call):
        with valkey.Valkey.from_url(url) as client:
            client.set("word", "kept")
            wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0, "saved")
        for process in [*caching.processes("valkey"), *caching.processes("stages")]:
            process.send_signal(signal.SIGKILL)
        call.process.wait()
    with run_of(caching, "5") as ([again], _), valkey.Valkey.from_url(again) as client:
        assert client.get("word") == b"kept"
    assert caching.processes() == []


def test_valkey__run_killed__is_used_again_by_the_next(caching):
    with run_of(caching, "5") as (_, call):
        (server,) = caching.processes("valkey-server")
        call.end(signal.SIGKILL)
    with run_of(caching, "5"):
        assert caching.processes("valkey-server") == [server]
    assert caching.processes() == []


def test_valkey__pid_file_names_a_stranger__starts_and_leaves_it_alone(caching):
    caching.stage("manage", "5", *ECHO_URL)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        folder = caching.path / ".strata" / "valkey" / "stage05_cached"
        (folder / "pid").write_text(str(stranger.pid))
        assert caching.stage("manage", "5", *ECHO_URL).stdout.startswith("redis://")
        assert stranger.poll() is None
        stranger.kill()


def test_valkey__of_tests__is_their_own_and_goes_with_them(caching):
    tests = caching.path / "stage05_cached" / "tests"
    (tests / "test_redis.py").write_text(FINDS_AND_LEAVES.format(seconds=1))
    with run_of(caching, "5") as ([url], _), valkey.Valkey.from_url(url) as client:
        client.set("word", "kept")
        calls = [caching.start("test", "5", "--", "tests/test_redis.py") for _ in range(2)]
        assert [call.process.wait() for call in calls] == [0, 0], calls[0].output
        assert client.keys() == [b"word"]
        assert len(caching.processes("valkey-server")) == 1
    folders = (caching.path / ".strata" / "valkey").iterdir()
    assert [folder.name for folder in folders] == ["stage05_cached"]


def test_valkey__of_a_killed_test_run__is_discarded(caching):
    tests = caching.path / "stage05_cached" / "tests"
    (tests / "test_redis.py").write_text(FINDS_AND_LEAVES.format(seconds=100))
    call = caching.start("test", "5")
    wait_until(lambda: caching.processes("-m pytest"), "pytest runs")
    (server,) = caching.processes("valkey-server")
    call.end(signal.SIGKILL)
    caching.stage("manage", "5", *ECHO_URL)
    assert not server.is_running()
    folders = (caching.path / ".strata" / "valkey").iterdir()
    assert [folder.name for folder in folders] == ["stage05_cached"]


def test_redis_url__in_the_environment__wins(caching):
    given = {"REDIS_URL": "redis://elsewhere:1/7"}
    assert caching.stage("manage", "5", *ECHO_URL, **given).stdout.strip() == given["REDIS_URL"]
    refused = caching.stage("run", "5", "6", **given)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "REDIS_URL names one database" in refused.stderr
    assert not (caching.path / ".strata" / "valkey").exists()


def test_valkey__stage_needs_none__is_not_started(caching):
    assert caching.stage("manage", "2", *ECHO_URL).stdout == "None\n"
    assert not (caching.path / ".strata" / "valkey").exists()


def test_valkey__env_file__is_whole_or_not_there(caching):
    with run_of(caching, "2"):
        assert not (caching.path / "stage05_cached" / ".env").exists()
        with run_of(caching, "5"):
            text = (caching.path / "stage05_cached" / ".env").read_text()
            names = [line.partition("=")[0] for line in text.splitlines()[1:]]
    assert names == ["DATABASE_URL", "SECRET_KEY", "JWT_SIGNING_KEY", "REDIS_URL"]
