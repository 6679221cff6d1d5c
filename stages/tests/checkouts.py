"""A throw-away checkout of the tool beside small sample stages, and real processes in it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).parent / "sample"
PATIENCE = 180.0  # Seconds; only a failure takes so long.
GIVEN = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "JWT_SIGNING_KEY", "PYTHONPATH"}
LITTER = shutil.ignore_patterns("__pycache__", "tests", ".*_cache")


def wait_until(question: Callable[[], Any], what: str) -> Any:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline, f"in vain waited until {what}"
        time.sleep(0.05)
    return answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Call:
    """One ``./stage`` that is running; what it prints goes to a file."""

    def __init__(self, checkout: "Checkout", *args: str, **env: str) -> None:
        self.log = checkout.path / f"call-{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                checkout.command(*args),
                cwd="/",
                env=checkout.env | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def end(self, signum: int = signal.SIGINT) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(signum)
        return self.process.wait(PATIENCE)


class Checkout:
    """A clone of the tool with its own stages and state."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.env = {k: v for k, v in os.environ.items() if k not in GIVEN}
        shutil.copytree(ROOT / "stages", path / "stages", ignore=LITTER)
        shutil.copytree(SAMPLE, path, dirs_exist_ok=True)
        for name in ("stage", "pyproject.toml"):
            shutil.copy(ROOT / name, path)

    def use_our_environment(self) -> None:
        """Spare the bootstrap: borrow the environment that these tests run in."""
        (self.path / ".venv").symlink_to(sys.prefix)

    def command(self, *args: str) -> list[str]:
        return [str(self.path / "stage"), *args]

    def stage(self, *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Call ``./stage`` and wait."""
        return subprocess.run(
            self.command(*args),
            cwd="/",
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *args: str, **env: str) -> Call:
        """Call ``./stage`` and go on."""
        return Call(self, *args, **env)

    def get(self, port: int) -> str:
        """What the service on a port says, once it does."""

        def ask() -> str:
            with suppress(urllib.error.URLError, ConnectionError):
                return (
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read().decode()
                )
            return ""

        return wait_until(ask, f"port {port} answers")

    def processes(self, word: str = "") -> list[psutil.Process]:
        """All processes that belong to this checkout and have a word in their command."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                place = [*process.cmdline(), process.cwd()]
                ours = any(str(self.path) in text for text in place)
                alive = process.status() != psutil.STATUS_ZOMBIE
                if ours and alive and word in " ".join(place):
                    found.append(process)
        return found

    def clean_up(self) -> None:
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        wait_until(lambda: not self.processes(), "all is gone")
        shutil.rmtree(self.path)
