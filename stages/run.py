"""``./stage run`` and ``./stage manage``: a stage's processes in the environment they need."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import click
from honcho.environ import parse_procfile
from honcho.printer import Printer

from stages import databases
from stages.layout import STAGE, STATE, Stage
from stages.ports import free_port, require_free
from stages.processes import MARK, Crew, new_run, run_in_foreground, serialised, stop
from stages.servers import Variables, servers


def environment(stage: Stage, mark: str, variables: Variables) -> dict[str, str]:
    """What a process of a stage finds in its environment."""
    path = f"{Path(sys.prefix, 'bin')}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return os.environ | variables[stage] | {MARK: mark, "PATH": path, "PYTHONUNBUFFERED": "1"}


@click.command()
@click.argument("wanted", metavar="N [N …]", nargs=-1, required=True, type=STAGE)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the first stage; the others follow. Otherwise 8000 + N.",
)
@click.option(
    "--only",
    metavar="NAME",
    multiple=True,
    help="Start only this entry of the Procfile, after the release step; may be repeated.",
)
def run(wanted: tuple[Stage, ...], port: int | None, only: tuple[str, ...]) -> None:
    """Run stages on real servers until Ctrl-C.

    Starts PostgreSQL and Valkey for the stages that need them, gives each databases of its own,
    runs the release step and then the other entries of the stage's Procfile. A DATABASE_URL or
    REDIS_URL in the environment wins: then that server is not started, and of the stages that
    need it only one can run at a time.
    """
    several = list(dict.fromkeys(wanted))
    known = {name for stage in several for name in procfile(stage)}
    if unknown := set(only) - known:
        raise click.UsageError(f"no Procfile has {', '.join(unknown)}: {', '.join(sorted(known))}")
    ports = {s: s.port if port is None else port + i for i, s in enumerate(several)}
    try:
        with new_run() as mark:
            for number in ports.values():
                require_free(number)
            with servers(several, mark) as variables:
                envs = {stage: environment(stage, mark, variables) for stage in several}
                for stage in several:
                    envs[stage] |= {"PORT": str(ports[stage]), "DEBUG": "true"}
                    envs[stage] = addresses(ports[stage]) | envs[stage]
                serve(envs, mark, only)
    except KeyboardInterrupt:
        click.echo("\nstopped")


def addresses(port: int) -> dict[str, str]:
    """Where the service is for its readers, and where its own mail server is to listen."""
    mail = f"localhost:{free_port(STATE / 'mail-port')}"
    return {
        "PUBLIC_URL": f"http://localhost:{port}",
        "MAIL_LISTEN": mail,
        "EMAIL_URL": f"smtp://{mail}",
    }


def serve(envs: dict[Stage, dict[str, str]], mark: str, only: Sequence[str] = ()) -> None:
    """Run the Procfiles of stages, or some of their entries, until one of the processes ends."""
    crew = Crew(Printer(sys.stdout, width=10))
    awaited = set(envs)
    try:
        start(crew, envs, only)
        while True:
            if ended := crew.relay(0.1):
                raise click.ClickException(f"{ended[0]} ended with exit code {ended[1]}")
            for stage in [stage for stage in awaited if answers(envs[stage]["PORT"])]:
                awaited.remove(stage)
                click.echo(greeting(stage, envs[stage]["PORT"]))
    finally:
        stop(mark)
        crew.drain()


def procfile(stage: Stage) -> dict[str, str]:
    """The commands of a stage's processes, by name."""
    path = stage.path / "Procfile"
    try:
        processes: dict[str, str] = parse_procfile(path.read_text()).processes
    except AssertionError as error:
        raise click.ClickException(f"{stage.name}/{path.name}: {error}") from None
    return processes


def start(crew: Crew, envs: dict[Stage, dict[str, str]], only: Sequence[str] = ()) -> None:
    """Run the release steps to their ends, then start everything else."""
    entries = {
        (stage, f"{stage.number:02} {name}"): command
        for stage in envs
        for name, command in procfile(stage).items()
    }

    def launch(stage: Stage, name: str, command: str) -> None:
        env = dict(envs[stage])
        if not name.endswith(" web"):
            del env["PORT"]
        crew.start(name, command, cwd=stage.path, env=env)

    releases = {key: entries.pop(key) for key in list(entries) if key[1].endswith(" release")}
    with serialised():  # Two calls at once would migrate one database against each other.
        for (stage, name), command in releases.items():
            launch(stage, name, command)
            while (ended := crew.relay(1)) is None:
                pass
            if ended[1]:
                raise click.ClickException(f"the release step of {stage.name} failed (see above)")
    for (stage, name), command in entries.items():
        if not only or name.partition(" ")[2] in only:
            launch(stage, name, command)


def answers(port: str) -> bool:
    """Whether the service on a port answers, with whatever status."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def greeting(stage: Stage, port: str) -> str:
    """What a user wants to know now: the address, and what to try."""
    readme = (stage.path / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## Try\n")[2].partition("\n## ")[0]
    fenced = re.search(r"^```.*?\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    block = fenced[1] if fenced else "\n".join(re.findall(r"^ {4}(.*)", section, re.MULTILINE))
    commands = block.replace(f"localhost:{stage.port}", f"localhost:{port}").strip()
    address = click.style(f"{stage.name} is up: http://localhost:{port}/", bold=True)
    return f"\n{address}    (Ctrl-C stops it)\n\n{commands}\n"


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("stage", metavar="N", type=STAGE)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def manage(stage: Stage, args: tuple[str, ...]) -> None:
    """Run manage.py of stage N with its servers up: ./stage manage 2 migrate

    On a new database of our own the release step comes first, so that there are tables and rows.
    """
    with new_run() as mark, servers([stage], mark) as variables:
        command = [sys.executable, "manage.py", *args]
        env = environment(stage, mark, variables)
        ours = stage.needs_postgres and "DATABASE_URL" not in os.environ
        with serialised():
            if ours and databases.is_untouched(env["DATABASE_URL"]):
                click.echo("stage: filling the new database", err=True)
                release = ["sh", "-c", procfile(stage).get("release", "")]
                debug = env | {"DEBUG": "true"}  # As in `run`; without it no stage stores a demo.
                # When it fails, the command may be the one that mends that.
                subprocess.run(release, cwd=stage.path, env=debug, capture_output=True, check=False)
        code = run_in_foreground(command, cwd=stage.path, env=env)
    sys.exit(code)
