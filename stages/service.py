"""A stage served as in production, with very many posts, for ``./stage bench`` to measure."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil

from stages import databases
from stages.layout import ROOT, STATE, Stage
from stages.processes import serialised, stop
from stages.run import answers

FOLDER = STATE / "bench"
# One worker with one thread overlaps nothing: its pace is what a request costs from end to end.
SERVER = ["granian", "--interface=wsgi", "--workers=1", "--blocking-threads=1", "--no-ws"]
PATIENCE = 30.0  # Seconds for the service to start.
BUSY = 0.5  # Of a core. A load generator that takes more begins to measure itself.
Tally = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """A running service."""

    port: int
    process: psutil.Process

    def memory(self) -> float:
        """MiB of its processes that no other process shares."""
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(each.memory_full_info().uss for each in family)) / 2**20


@dataclass(frozen=True)
class Site:
    """A stage with the environment of its processes, and the log that they write."""

    stage: Stage
    env: dict[str, str]
    mark: str

    @property
    def log(self) -> Path:
        """What its processes have said."""
        return FOLDER / f"{self.stage.name}.log"

    def fill(self, posts: int) -> None:
        """Turn to a database that has so many generated posts."""
        name = f"{self.stage.name}_bench_{posts}"
        with serialised():
            self.env["DATABASE_URL"] = databases.make(self.env["DATABASE_URL"], name)
        self.call("manage.py", "migrate", "--no-input")
        self.call("manage.py", "seed", "--posts", str(posts))

    def call(self, *args: str, words: str = "") -> str:
        """What a Python program prints; what else it says goes to the log."""
        done = subprocess.run(
            [sys.executable, *args],
            cwd=self.stage.path,
            env=self.env,
            input=words,
            capture_output=True,
            text=True,
            check=False,
        )
        with self.log.open("a", encoding="utf-8") as log:
            log.write(done.stderr)
        if done.returncode:
            raise self.failure(" ".join(args), done.stderr)
        return done.stdout

    @property
    def log_name(self) -> str:
        """The path of the log from the top."""
        return str(self.log.relative_to(ROOT))

    def failure(self, what: str, words: str) -> click.ClickException:
        """One line on a program that failed: its last word, and where to read the others."""
        last = (words.strip() or "it gave no reason").split("\n")[-1]
        return click.ClickException(f"{what} failed: {last} (log: {self.log_name})")

    def findings(self, declaration: Path) -> dict[str, Any]:
        """The requests that a file declares, and what it has measured in the database."""
        return dict(json.loads(self.call("-m", "stages.measure", str(declaration))))

    def load(self, job: dict[str, Any]) -> list[Tally]:
        """What became of each request of a job."""
        tallies = json.loads(self.call("-m", "stages.load", words=json.dumps(job)))
        require_sound(job["requests"], tallies, self.log_name)
        return list(tallies)

    @contextmanager
    def service(self, application: str) -> Iterator[Service]:
        """Serve an application of the stage as in production."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", *SERVER, f"--port={port}", application]
        with self.log.open("a", encoding="utf-8") as log:
            server = subprocess.Popen(
                command, cwd=self.stage.path, env=self.env, stdout=log, stderr=log
            )
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(str(port)):
                if server.poll() is not None or time.monotonic() > deadline:
                    words = self.log.read_text(encoding="utf-8")
                    raise self.failure(f"the web process of {self.stage.name}", words)
                time.sleep(0.05)
            yield Service(port, psutil.Process(server.pid))
        finally:
            stop(self.mark)
            server.wait()


def require_sound(
    requests: Sequence[dict[str, Any]], tallies: Sequence[Tally], log_name: str
) -> None:
    """Refuse figures of wrong answers, and those of a load generator that was the bottleneck."""
    for request, tally in zip(requests, tallies, strict=True):
        wrong = {code: n for code, n in tally["statuses"].items() if int(code) != request["status"]}
        for code, number in wrong.items():
            raise click.ClickException(
                f"{request['name']} ({request['path']}) was answered {number} times with {code}"
                f" instead of {request['status']} (log: {log_name})"
            )
        if tally["busy"] > BUSY:
            raise click.ClickException(
                f"the load generator took {tally['busy']:.0%} of a core for {request['name']}, so"
                " that it would measure itself; give it fewer --connections"
            )
