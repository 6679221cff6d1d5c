"""``docs/trace.md``: a few requests followed through all stages, as bytes, SQL and commands.

What is asked stands in ``docs/trace.toml``; ``<!-- trace NAME -->`` is where it is shown.
"""

import json
import os
import re
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
import sqlparse
from valkey import Valkey
from valkey.exceptions import TimeoutError as Quiet

from stages import postgres
from stages.layout import ROOT, Stage, stages
from stages.notes import fenced
from stages.transcripts import PATIENCE, Place, served
from stages.volatile import same

PAGE = ROOT / "docs" / "trace.md"
PLAN = ROOT / "docs" / "trace.toml"
BLOCK = re.compile(r"(<!-- trace (\w+) -->\n)(.*?)(<!-- /trace -->)", re.DOTALL)
STATEMENT = re.compile(r"LOG:  statement: (.*(?:\n\t.*)*)")
EMPTY = "-- (an empty statement: the pool asks whether the connection still lives)"
QUIET = 0.5  # Seconds without a command to Valkey, after which none is expected any more.
LONGEST = 160  # Characters of such a command that are shown.


def refreshed() -> str:
    """The page as the stages answer now; what differs in the volatile alone stays as it was."""
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    login = plan.pop("login")
    last = plan.pop("last_stage")
    followed = [follow(stage, login, plan) for stage in stages() if stage.number <= last]

    def fill(block: re.Match[str]) -> str:
        shown = "\n".join(sections[block[2]] for sections in followed)
        return block[0] if same(shown, block[3]) else f"{block[1]}{shown}{block[4]}"

    return BLOCK.sub(fill, PAGE.read_text(encoding="utf-8"))


def follow(stage: Stage, login: dict[str, Any], plan: dict[str, Any]) -> dict[str, str]:
    """What each planned request does in one stage, as Markdown, by name."""
    if "DATABASE_URL" in os.environ:
        raise click.ClickException("a trace reads the log of our own server: unset DATABASE_URL")
    with served(stage, log_sql=True) as place:
        token = ""
        if stage.number >= login["first_stage"]:
            answer = ask(place, login["step"])[1]
            token = json.loads(answer.partition("\n\n")[2])[login["token"]]
        return {name: section(place, request, token) for name, request in plan.items()}


def section(place: Place, request: dict[str, Any], token: str) -> str:
    """One request at one stage."""
    token = token if request.get("with_token") else ""
    for step in request.get("before", []):
        ask(place, step, token)
    with listening(place) as (statements, commands):
        sent, received = ask(place, request["step"], token)
    if token:
        sent = sent.replace(token, f"{token[:12]}…")
    parts = [fenced("http", sent.strip()), fenced("http", received.strip())]
    parts += [fenced("sql", "\n\n".join(statements))] if statements else []
    parts += [fenced("text", "\n".join(commands))] if commands else []
    title = f"### {place.stage.number:02} {place.stage.layer}"
    return "\n\n".join([title, *parts]) + "\n"


def ask(place: Place, step: list[Any], token: str = "") -> tuple[str, str]:
    """What goes over the wire and what comes back; raises ClickException on an error status."""
    method, path, *body = step
    content = json.dumps(body[0]) if body else ""
    headers = {"Host": f"localhost:{place.stage.port}", "Accept": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Content-Type": "application/json"} if body else {}
    headers |= {"Content-Length": str(len(content.encode()))} if method != "GET" else {}
    lines = [f"{method} {path} HTTP/1.1", *map(": ".join, headers.items()), "Connection: close"]
    sent = "\r\n".join([*lines, "", content])
    with socket.create_connection(("127.0.0.1", place.port), PATIENCE) as wire:
        wire.sendall(sent.encode())
        received = b"".join(iter(lambda: wire.recv(65536), b"")).decode()
    if not re.match(r"HTTP/1.1 2", received):
        raise click.ClickException(f"{place.stage.name}: {method} {path}: {received[:200]}")
    return sent.replace("\r\n", "\n"), received.replace("\r\n", "\n")


@contextmanager
def listening(place: Place) -> Iterator[tuple[list[str], list[str]]]:
    """The SQL statements, and the commands to Valkey; filled when the block ends."""
    statements: list[str] = []
    commands: list[str] = []
    with logged(place, statements), monitored(place, commands):
        yield statements, commands


@contextmanager
def logged(place: Place, statements: list[str]) -> Iterator[None]:
    """Add what PostgreSQL's log has on our database."""
    if not place.stage.needs_postgres:
        yield
        return
    begin = postgres.LOG.stat().st_size
    yield
    with postgres.LOG.open("rb") as log:
        log.seek(begin)
        said = log.read().decode(errors="replace")
    plain = (found.replace("\n\t", "\n") for found in STATEMENT.findall(said))
    statements += (formatted(each) if each.strip() else EMPTY for each in plain)


def formatted(statement: str) -> str:
    """A statement in lines, without the break that sqlparse makes in the name of a lock."""
    text: str = sqlparse.format(statement, reindent=True, wrap_after=80)
    return text.replace("FOR NO KEY\nUPDATE", "FOR NO KEY UPDATE")


@contextmanager
def monitored(place: Place, commands: list[str]) -> Iterator[None]:
    """Add what Valkey has been told, until it has been quiet for a moment."""
    if not place.stage.needs_valkey:
        yield
        return
    with (
        Valkey.from_url(place.env["REDIS_URL"], socket_timeout=QUIET) as client,
        client.monitor() as monitor,
        suppress(Quiet),
    ):
        yield
        while True:
            command = monitor.next_command()["command"]
            commands.append(command if len(command) <= LONGEST else f"{command[:LONGEST]}…")
