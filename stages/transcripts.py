"""Commands that README and notes show with what they print: run again, and compared."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import groupby

import click

from stages import databases
from stages.layout import ROOT, STATE, Stage, find_stage
from stages.notes import Block, Note, fenced
from stages.ports import free_port
from stages.processes import new_run, serialised, stop
from stages.run import environment
from stages.servers import servers
from stages.volatile import fits

PROMPT = "$ "
LOG = STATE / "transcripts.log"
GREETED = "(Ctrl-C stops it)"
PATIENCE = 120.0  # Seconds for the stage to answer, and for a command to end.


@dataclass(frozen=True)
class Place:
    """A stage that runs with a database of its own, filled with its demo alone."""

    stage: Stage
    env: dict[str, str]
    port: int
    pid: int
    """Of `./stage run`."""

    def call(self, lines: list[str]) -> list[str]:
        """What commands of one shell print, errors included, with the port that a reader sees.

        `./stage run` is what we are in: it has printed what it does until the stage is up.
        """
        usual, ours = f"localhost:{self.stage.port}", f"localhost:{self.port}"
        up = {f"./stage run {self.stage.number}": f"cat {LOG.relative_to(ROOT)}"}
        script = "\nprintf '\\0'\n".join(up.get(line, line) for line in lines)
        script = script.replace(usual, ours)
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        text = done.stdout.replace("\r\n", "\n").replace(ours, usual)
        return [printed.strip("\n") for printed in text.split("\0")]


@contextmanager
def served(stage: Stage, *, log_sql: bool = False, only: Sequence[str] = ()) -> Iterator[Place]:
    """Run a stage as ``./stage run`` does; raises ClickException when it does not answer."""
    with new_run() as mark, servers([stage], mark, passing=True) as found, ExitStack() as stack:
        env = environment(stage, mark, found)
        if stage.needs_postgres:
            server = env["DATABASE_URL"]
            name = f"test_{stage.name}_{mark}"  # By it a killed run's database is found.
            with serialised():
                env["DATABASE_URL"] = databases.make(server, name)
            stack.callback(databases.drop, server, name)
            if log_sql:
                databases.log_statements(server, name)
        port = free_port(STATE / "no-port")
        command = [sys.executable, "-m", "stages", "run", stage.name, f"--port={port}"]
        command += (f"--only={name}" for name in only)
        with LOG.open("w") as log:
            run = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        stack.callback(run.wait)
        stack.callback(stop, mark)
        deadline = time.monotonic() + PATIENCE
        while GREETED not in LOG.read_text():
            if run.poll() is not None or time.monotonic() > deadline:
                raise click.ClickException(f"{stage.name} did not start: {LOG.relative_to(ROOT)}")
            time.sleep(0.05)
        yield Place(stage, env, port, run.pid)


def commands(block: Block) -> list[str]:
    """The commands of a block: the lines of its fence that begin with a prompt."""
    lines = block.filled.split("\n") if block.kind == "run" else []
    return [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]


def outputs(note: Note) -> list[str]:
    """What each command of a note prints now, in order."""
    printed: list[str] = []
    blocks = (block for block in note.blocks if commands(block))
    for number, group in groupby(blocks, lambda block: block.address):
        with served(find_stage(number)) as place:
            printed += (text for block in group for text in place.call(commands(block)))
    return printed


def shown(note: Note, printed: list[str]) -> Note:
    """The note with these outputs, where more than the volatile has changed."""
    if len(printed) != sum(len(commands(block)) for block in note.blocks):
        raise click.ClickException(f"{note.path} has been changed meanwhile: once more")
    rest = iter(printed)
    return replace(note, blocks=tuple(_shown(block, rest) for block in note.blocks))


def _shown(block: Block, printed: Iterator[str]) -> Block:
    parts = [f"{PROMPT}{line}\n{next(printed)}".strip() for line in commands(block)]
    new = fenced("console", "\n\n".join(parts))
    return block if not parts or fits(block.filled, new) else replace(block, filled=new)
