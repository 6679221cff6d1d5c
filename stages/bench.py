"""``./stage bench``: what a layer costs, by real requests to a production server."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import click
from rich.console import Console

from stages.figures import Figures, require_place
from stages.layout import ROOT, STAGE, STATE, Stage, stages
from stages.processes import lock_free, new_run, serialised, stop
from stages.run import answers, environment
from stages.servers import database_urls

FOLDER = STATE / "bench"
# One worker with one thread overlaps nothing: its pace is what a request costs from end to end.
SERVER = ["granian", "--interface=wsgi", "--workers=1", "--blocking-threads=1", "--no-ws"]
PATIENCE = 30.0  # Seconds for the service to start.
BUSY = 0.5  # Of a core. A load generator that takes more begins to measure itself.


@click.command()
@click.argument("wanted", metavar="[N …]", nargs=-1, type=STAGE)
@click.option("--posts", default=100_000, show_default=True, type=click.IntRange(100))
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1))
@click.option("--connections", default=16, show_default=True, type=click.IntRange(1, 200))
@click.option("--write", is_flag=True, help="Put the figures into docs/benchmarks.md.")
def bench(
    wanted: tuple[Stage, ...], posts: int, seconds: float, connections: int, write: bool
) -> None:
    """Measure what stages declare in tests/bench_NN_*.py; without N, all stages that do.

    Each stage gets a production server and a database with generated posts, which is kept for the
    next time. Each request is made for some seconds, in turns with the others. Exit code 1 when a
    figure does not hold. A DATABASE_URL in the environment says which server to use.
    """
    several = list(dict.fromkeys(wanted)) or [stage for stage in stages() if declarations(stage)]
    for stage in several:
        if not declarations(stage):
            raise click.UsageError(f"{stage.name} has no tests/bench_NN_*.py: nothing to measure")
    if write:
        require_place([path for stage in several for path in declarations(stage)])
    load = {"seconds": seconds, "connections": connections}
    hold = True
    with new_run() as mark, alone(), database_urls(several, mark) as urls:
        for stage in several:
            for figures in measure(stage, environment(stage, mark, urls), mark, posts, load):
                hold &= figures.show()
                if write:
                    figures.write()
    sys.exit(not hold)


def declarations(stage: Stage) -> list[Path]:
    """The files in which a stage says what to measure, by layer."""
    return sorted(stage.path.glob("tests/bench_[0-9][0-9]_*.py"))


@contextmanager
def alone() -> Iterator[None]:
    """Refuse to measure beside another bench."""
    FOLDER.mkdir(exist_ok=True)
    lock = lock_free(FOLDER / "lock", create=True)
    if lock is None:
        raise click.ClickException("another ./stage bench is at work; wait until it has ended")
    with lock:
        yield


def measure(
    stage: Stage, env: dict[str, str], mark: str, posts: int, load: dict[str, Any]
) -> Iterator[Figures]:
    """Bring the data and the service up, and measure what each file declares."""
    console = Console(stderr=True)
    with (FOLDER / f"{stage.name}.log").open("w", encoding="utf-8") as log:
        site = Site(stage, env | {"PYTHONPATH": str(ROOT)}, mark, log)
        if stage.needs_postgres:
            with console.status(f"{stage.name}: {posts:,} posts"):
                site.fill(posts)
        for path in declarations(stage):
            with console.status(f"{stage.name}: {path.name}, in the database"):
                findings = json.loads(site.call("-m", "stages.measure", str(path)))
            job = load | {"requests": findings["requests"]}
            seconds = 1.05 * load["seconds"] * len(job["requests"])
            status = console.status(f"{stage.name}: {path.name}, {seconds:.0f} s of requests")
            with status, site.service() as port:
                job["port"] = port
                tallies = json.loads(site.call("-m", "stages.load", words=json.dumps(job)))
            require_sound(job["requests"], tallies, site.log_name)
            yield Figures(path, posts, job, findings, tallies)


@dataclass(frozen=True)
class Site:
    """A stage with the environment of its processes, and the log that they write."""

    stage: Stage
    env: dict[str, str]
    mark: str
    log: IO[str]

    def fill(self, posts: int) -> None:
        """Turn to a database that has so many generated posts."""
        name = f"{self.stage.name}_bench_{posts}"
        self.env["DATABASE_URL"] = make_database(self.env["DATABASE_URL"], name)
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
        self.log.write(done.stderr)
        self.log.flush()
        if done.returncode:
            raise self.failure(" ".join(args), done.stderr)
        return done.stdout

    @property
    def log_name(self) -> str:
        """The path of the log from the top."""
        return str(Path(self.log.name).relative_to(ROOT))

    def failure(self, what: str, words: str) -> click.ClickException:
        """One line on a program that failed: its last word, and where to read the others."""
        last = (words.strip() or "it gave no reason").split("\n")[-1]
        return click.ClickException(f"{what} failed: {last} (log: {self.log_name})")

    @contextmanager
    def service(self) -> Iterator[int]:
        """Serve the stage as in production; yields the port."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", *SERVER, f"--port={port}", "config.wsgi:application"]
        server = subprocess.Popen(
            command, cwd=self.stage.path, env=self.env, stdout=self.log, stderr=self.log
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(str(port)):
                if server.poll() is not None or time.monotonic() > deadline:
                    words = Path(self.log.name).read_text(encoding="utf-8")
                    raise self.failure(f"the web process of {self.stage.name}", words)
                time.sleep(0.05)
            yield port
        finally:
            stop(self.mark)
            server.wait()


def make_database(url: str, name: str) -> str:
    """The URL of a database on the server that ``url`` leads to; made when it is not there."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    try:
        with serialised(), psycopg.connect(url, autocommit=True) as connection:
            look = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not connection.execute(look, [name]).fetchone():
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    except psycopg.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise click.ClickException(f"could not make the database {name}: {reason}") from error
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def require_sound(
    requests: list[dict[str, Any]], tallies: list[dict[str, Any]], log_name: str
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
