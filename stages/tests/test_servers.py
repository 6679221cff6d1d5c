"""The PostgreSQL that all ./stage processes of a clone share, and what it survives."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager, suppress

import psutil
import psycopg
import pytest
from checkouts import PATIENCE, free_port, wait_until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
ECHO_URL = ("manage", "2", "shell", "-v", "0", "-c", "import os; print(os.environ['DATABASE_URL'])")


@contextmanager
def server_of(checkout):
    """The server kept up by a run; its URL and that run."""
    port = free_port()
    call = checkout.start("run", "2", "--port", str(port))
    checkout.get(port)
    env_file = checkout.path / "stage02_data" / ".env"
    yield env_file.read_text().partition("DATABASE_URL=")[2].strip(), call
    call.end()


def postgres_data(checkout):
    return checkout.path / ".strata" / "postgres" / "data"


def test_server__up__speaks_utf8_and_keeps_strangers_out(checkout):
    with server_of(checkout) as (url, _):
        with psycopg.connect(url) as connection:
            (settings,) = connection.execute(
                "SELECT array_agg(setting ORDER BY name) FROM pg_settings"
                " WHERE name IN ('fsync', 'server_encoding', 'listen_addresses')"
            ).fetchone()
            assert settings == ["on", "127.0.0.1", "UTF8"]
            connection.execute("CREATE EXTENSION pg_trgm")
            assert len(connection.execute("SELECT show_trgm('ÉTÉ')").fetchone()[0]) == 4
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url, password="guessed")
    mode = (postgres_data(checkout) / "strata_password").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_server__started_again__keeps_port_and_rows(checkout):
    with server_of(checkout) as (first, _), psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE kept (word text)")
    with server_of(checkout) as (second, _), psycopg.connect(second) as connection:
        assert first == second
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_server__killed_with_everything__recovers(checkout):
    with server_of(checkout) as (_, call):
        for process in [*checkout.processes("postgres"), *checkout.processes("stages")]:
            with suppress(psutil.NoSuchProcess):  # Some end by themselves once others are gone.
                process.send_signal(signal.SIGKILL)
        call.process.wait()
    assert (postgres_data(checkout) / "postmaster.pid").exists()
    assert checkout.stage(*ECHO_URL).returncode == 0
    assert checkout.processes() == []


def test_server__pid_file_names_a_stranger__starts_and_leaves_it_alone(checkout):
    checkout.stage(*ECHO_URL)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file = postgres_data(checkout) / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{postgres_data(checkout)}\n1\n5432\n")
        assert checkout.stage(*ECHO_URL).returncode == 0
        assert stranger.poll() is None
        stranger.kill()


def test_server__initdb_was_killed__is_made_anew(checkout):
    draft = checkout.path / ".strata" / "postgres" / "draft" / "data"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    assert checkout.stage(*ECHO_URL).returncode == 0
    assert not draft.exists()


def test_server__two_clones__do_not_meet(new_checkout):
    one, other = new_checkout(), new_checkout()
    one.use_our_environment()
    other.use_our_environment()
    with server_of(one) as (first, _), server_of(other) as (second, _):
        assert first != second
        assert len(one.processes(" -D ")) == len(other.processes(" -D ")) == 1


def test_database_url__in_the_environment__wins(new_checkout):
    owner, guest = new_checkout(), new_checkout()
    owner.use_our_environment()
    guest.use_our_environment()
    with server_of(owner) as (url, _):
        assert guest.stage(*ECHO_URL, DATABASE_URL=url).stdout.strip() == url
        tested = guest.stage("test", "2", DATABASE_URL=url)
        assert tested.stdout.endswith("\n3 passed, 0 failed, 0 skipped\n")
        shutil.copytree(guest.path / "stage02_data", guest.path / "stage03_more")
        refused = guest.stage("run", "2", "3", DATABASE_URL=url)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert not (guest.path / ".strata" / "postgres").exists()


def test_env_file__of_the_user__is_never_touched(checkout):
    env_file = checkout.path / "stage02_data" / ".env"
    env_file.write_text("MINE=1\n")
    assert checkout.stage(*ECHO_URL).returncode == 0
    assert env_file.read_text() == "MINE=1\n"


def test_env_file__servers_up__lets_plain_pytest_work(checkout):
    with server_of(checkout):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q"],
            cwd=checkout.path / "stage02_data",
            env=checkout.env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert "3 passed" in done.stdout


def test_test_databases__of_a_killed_run__are_dropped(checkout):
    with server_of(checkout) as (url, _):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE test_stage02_data_0123456789abcdef")
            connection.execute("CREATE DATABASE test_stage02_data")
        checkout.stage("manage", "2", "check")
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^test'")
            assert rows.fetchall() == [("test_stage02_data",)]


def test_data_folder__of_a_killed_test__is_removed(checkout):
    state = checkout.path / ".strata"
    left, other = state / "postgres_0123456789abcdef_1", state / "postgres_mine"
    for folder in (left, other):
        folder.mkdir(parents=True)
    assert checkout.stage("manage", "2", "check").returncode == 0
    assert (left.exists(), other.exists()) == (False, True)


@as_root
def test_server__root_in_a_closed_folder__opens_passage_only_and_says_so(new_checkout):
    checkout = new_checkout()
    checkout.use_our_environment()
    checkout.path.chmod(0o700)
    done = checkout.stage(*ECHO_URL)
    assert done.returncode == 0
    assert f"stage: chmod o+x on {checkout.path}," in done.stderr
    assert stat.S_IMODE(checkout.path.stat().st_mode) == 0o701


@as_root
def test_server__ordinary_user_from_nothing__runs_as_that_user(bare_checkout, port):
    checkout = bare_checkout
    user = pwd.getpwnam("nobody")
    as_user = ["setpriv", "--reuid=nobody", "--regid", str(user.pw_gid), "--clear-groups"]
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if not python or subprocess.call([*as_user, python, "-Ic", "import ensurepip, tomllib"]):
        pytest.skip("no Python 3.11 that an ordinary user can run")
    for path in [checkout.path, *checkout.path.rglob("*")]:
        shutil.chown(path, user.pw_uid, user.pw_gid)
    with subprocess.Popen(
        [*as_user, *checkout.command("run", "2", "--port", str(port))],
        env=checkout.env | {"HOME": "/", "PYTHON": python},
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            assert checkout.get(port) == "hello from stage02_data"
            (server,) = checkout.processes(" -D ")
            assert server.username() == "nobody"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    wait_until(lambda: not checkout.processes(), "all is gone")
