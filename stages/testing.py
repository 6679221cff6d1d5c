"""``./stage test``: the tests of each stage in a process of its own, on real servers."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click
import pytest
from rich.console import Console
from rich.table import Table

from stages.layout import ROOT, Stage, find_stage, stages
from stages.processes import MARK, new_run, run_in_foreground, stop
from stages.report import REPORT
from stages.run import environment
from stages.servers import servers

OTHERS = ("upgrade", "tool")
# Stages: each keeps a core busy for half of its time, and waits for time-outs for the other half.
AT_ONCE = 3
OUTCOMES = ("passed", "failed", "skipped")
VERDICTS = {0: "[green]ok", 1: "[red]failed", 5: "[red]ran no test"}


@dataclass(frozen=True)
class Result:
    """What became of one test: ``passed``, ``failed`` or ``skipped``, in which phase, and why."""

    outcome: str
    phase: str
    message: str
    claims: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Session:
    """One run of pytest: its exit code, seconds, and results by node id."""

    code: int
    seconds: float
    results: dict[str, Result]

    @property
    def counts(self) -> Counter[str]:
        """How many tests had which outcome."""
        return Counter(result.outcome for result in self.results.values())


Sessions = dict[str, Session]
"""Sessions by the names under which they are shown."""


def pytest_session(
    folder: Path, env: dict[str, str], args: Sequence[str], output: IO[Any] | None = None
) -> Session:
    """Run pytest in a folder; its words go to the terminal, or to ``output``."""
    began = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        path = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
        env = env | {REPORT: report.name, "PYTHONPATH": path}
        command = [sys.executable, "-m", "pytest", "-p", "stages.report", *args]
        if output is None:
            code = run_in_foreground(command, cwd=folder, env=env)
        else:
            code = run_quietly(command, folder, env, output)
        tests = json.loads(report.read() or "{}")
    results = {nodeid: Result(**test) for nodeid, test in tests.items()}
    broken = any(result.phase == "collection" for result in results.values())
    if code == pytest.ExitCode.INTERRUPTED and not broken:  # Broken files give that code, too.
        raise click.Abort
    return Session(code, time.monotonic() - began, results)


def run_quietly(command: list[str], folder: Path, env: dict[str, str], output: IO[Any]) -> int:
    """Run a program away from the terminal, its words into a file."""
    return subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        check=False,
    ).returncode


def sessions_of(envs: dict[Stage, dict[str, str]], args: list[str], mark: str) -> Sessions:
    """Run the tests of stages: of one on the terminal, of several side by side.

    The last ones begin, since they take longest. The words of each are printed whole and in order,
    and who is at work is said meanwhile.
    """
    if len(envs) == 1:
        ((stage, env),) = envs.items()
        click.secho(f"\n{stage.name}", bold=True)
        return {stage.name: pytest_session(stage.path, env, args)}
    args = ["--color=yes", *args] if sys.stdout.isatty() else args
    running: list[str] = []
    sessions: Sessions = {}
    with ThreadPoolExecutor(AT_ONCE) as pool, Console(stderr=True).status("") as status:

        def work(stage: Stage, env: dict[str, str]) -> tuple[Session, str]:
            running.append(stage.name)
            status.update(" and ".join(running))
            with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
                session = pytest_session(stage.path, env, args, output)
                running.remove(stage.name)
                output.seek(0)
                return session, output.read()

        futures = {stage: pool.submit(work, stage, envs[stage]) for stage in reversed(envs)}
        try:
            for name, future in ((stage.name, futures[stage]) for stage in envs):
                sessions[name], words = future.result()
                status.stop()  # Or it would draw what is meant for standard output.
                click.secho(f"\n{name}", bold=True)
                click.echo(words)
                status.start()
        except BaseException:  # Ctrl-C above all: the threads wait until their processes end.
            pool.shutdown(wait=False, cancel_futures=True)
            stop(mark)
            raise
    return sessions


class WithRest(click.Command):
    """A command whose arguments after ``--`` are another program's; they come as ``ctx.obj``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what comes after ``--`` apart."""
        place = args.index("--") if "--" in args else len(args)
        ctx.obj = args[place + 1 :]
        return super().parse_args(ctx, args[:place])


@click.command(cls=WithRest)
@click.argument("wanted", metavar="[N …] [upgrade] [tool] [-- PYTEST ARGS]", nargs=-1)
@click.pass_context
def test(ctx: click.Context, wanted: tuple[str, ...]) -> None:
    """Test stages on real servers, each in a process of its own.

    Without N: all stages. "upgrade" takes one database through all stages, each of which must read
    what those before it have stored. "tool" tests ./stage itself. A DATABASE_URL in the environment
    wins: the test databases are then made on that server; so does a REDIS_URL, for one stage at a
    time.
    """
    named = [find_stage(text) for text in dict.fromkeys(wanted) if text not in OTHERS]
    several = named if wanted else list(stages())
    with new_run() as mark, servers(several, mark, passing=True) as variables:
        envs = {stage: environment(stage, mark, variables) for stage in several}
        sessions = sessions_of(envs, ctx.obj, mark)
        if "upgrade" in wanted:
            from stages.upgrade import upgrade

            sessions |= upgrade(mark, ctx.obj)
        if "tool" in wanted:
            env = os.environ | {MARK: mark}
            sessions["tool"] = pytest_session(ROOT, env, ["stages/tests", *ctx.obj])
    show(sessions)
    sys.exit(any(session.code for session in sessions.values()))


def show(sessions: dict[str, Session]) -> None:
    """Print a table of all stages, then their sum in one plain line."""
    table = Table("stage", "passed", "failed", "skipped", "seconds", "", box=None)
    for column in table.columns[1:5]:
        column.justify = "right"
    for name, session in sessions.items():
        cells = [str(session.counts[outcome]) for outcome in OUTCOMES]
        verdict = VERDICTS.get(session.code, f"[red]pytest ended with code {session.code}")
        table.add_row(name, *cells, f"{session.seconds:.1f}", verdict)
    click.echo()
    Console().print(table)
    total = sum((session.counts for session in sessions.values()), Counter())
    click.echo("\n" + ", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES))
