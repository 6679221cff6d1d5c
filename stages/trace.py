"""``docs/trace.md``: a few requests followed through all stages, as bytes, SQL and commands.

What is asked stands in ``docs/trace.toml``; ``<!-- trace NAME -->`` is where it is shown. Workers
are held while a request is answered, so that what is for the job comes apart, and after it.
"""

import json
import os
import re
import socket
import subprocess
import time
import tomllib
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from typing import Any

import click
import psutil
import sqlparse
from valkey import Valkey
from valkey.exceptions import TimeoutError as Quiet

from stages import postgres
from stages.layout import ROOT, Stage, stages
from stages.notes import fenced
from stages.run import procfile
from stages.transcripts import LOG, PATIENCE, Place, served
from stages.volatile import same

PAGE = ROOT / "docs" / "trace.md"
PLAN = ROOT / "docs" / "trace.toml"
BLOCK = re.compile(r"(<!-- trace (\w+) -->\n).*?(<!-- /trace -->)", re.DOTALL)
STATEMENT = re.compile(r"LOG:  statement: (.*(?:\n\t.*)*)")
EMPTY = "-- (an empty statement: the pool asks whether the connection still lives)"
QUIET = 0.5  # Seconds without a word, after which none is expected any more.
LONGEST = 160  # Characters of a command that are shown.
Parts = dict[str, str]  # The blocks of one request at one stage, by what they are.
SAID = re.compile(r"^\S+ \d\d (\w+) +\| ?(.*)$", re.MULTILINE)  # A line of `./stage run`.


def refreshed() -> str:
    """The page as the stages answer now; what differs in the volatile alone stays as it was."""
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    followed = {stage: follow(stage, plan) for stage in stages()}
    return filled(PAGE.read_text(encoding="utf-8"), followed)


def filled(page: str, followed: dict[Stage, dict[str, Parts]]) -> str:
    """The page with all its blocks of one run, for what one request is told another shows again."""

    def fill(block: re.Match[str]) -> str:
        parts = {stage: found[block[2]] for stage, found in followed.items() if block[2] in found}
        return "".join([block[1], "\n".join(together(parts)), block[3]])

    new = BLOCK.sub(fill, page)
    return page if same(new, page) else new


def together(followed: dict[Stage, Parts]) -> Iterator[str]:
    """One request at each stage; what runs as it did in the stage before is not shown again."""
    before: Parts = {}
    for stage, parts in followed.items():
        shown = [f"### {stage.number:02} {stage.layer}"]
        for what, block in parts.items():
            again = what.startswith("The ") and same(before.get(what, ""), block)
            shown.append(f"{what} as in stage {stage.number - 1:02}." if again else block)
        before = parts
        yield "\n\n".join(shown) + "\n"


def follow(stage: Stage, plan: dict[str, Any]) -> dict[str, Parts]:
    """What each planned request does in one stage, by name."""
    if "DATABASE_URL" in os.environ:
        raise click.ClickException("a trace reads the log of our own server: unset DATABASE_URL")
    login = plan["login"]
    requests = {name: part for name, part in plan.items() if "step" in part}
    only = [name for name in plan["processes"] if name in procfile(stage)]
    with served(stage, log_sql=True, only=only) as place:

        def token(who: str) -> str:
            if stage.number < login["first_stage"] or not who:
                return ""
            answer = json.loads(ask(place, login[who])[1].partition("\n\n")[2])
            return str(answer[login["token"]])

        return {
            name: section(place, request, token(request.get("who", "")))
            for name, request in requests.items()
            if stage.number >= request.get("first_stage", 1)
        }


def section(place: Place, request: dict[str, Any], token: str) -> Parts:
    """One request at one stage, and the job that it makes there."""
    with_job = "done" in request and "worker" in procfile(place.stage)
    for step in request.get("before", []):
        ask(place, step, token)
        if with_job:
            do_job(place, request)
    begin, sql = LOG.stat().st_size, [told_sql(place)]
    with held(place), monitored(place) as commands:
        sent, received = ask(place, request["step"], token)
    sql.append(told_sql(place))
    if token:
        sent = sent.replace(token, f"{token[:12]}…")
    parts = {"request": fenced("http", sent.strip()), "answer": fenced("http", received.strip())}
    if statements := statements_in(*sql):
        parts["The SQL is"] = fenced("sql", "\n\n".join(statements))
    if commands:
        parts["The commands are"] = fenced("text", "\n".join(commands))
    if with_job:
        with monitored(place) as commands:
            do_job(place, request)
        messages = (command for command in commands if command.startswith("LPUSH"))
        later = statements_in(sql[1], told_sql(place))
        parts["The SQL of the job is"] = fenced("sql", "\n\n".join(later))
        parts["The messages are"] = fenced("text", "\n".join(messages))
    parts["log"] = fenced("text", said(place, begin, received))
    return parts


def ask(place: Place, step: list[Any], token: str = "") -> tuple[str, str]:
    """What goes over the wire and what comes back, chunks joined.

    Raises ClickException on an error status.
    """
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
        answer = HTTPResponse(wire, method=method)
        answer.begin()
        received = answer.read().decode()
    if answer.status >= 300:
        raise click.ClickException(f"{place.stage.name}: {method} {path}: {received[:200]}")
    head = [f"HTTP/1.1 {answer.status} {answer.reason}", *map(": ".join, answer.getheaders())]
    return sent.replace("\r\n", "\n"), "\n".join([*head, "", received])


@contextmanager
def held(place: Place) -> Iterator[None]:
    """Let no worker begin a job meanwhile."""
    children = psutil.Process(place.pid).children(recursive=True)
    workers = [child for child in children if "celery" in " ".join(child.cmdline())]
    for worker in workers:
        worker.suspend()
    try:
        yield
    finally:
        for worker in workers:
            worker.resume()


def do_job(place: Place, request: dict[str, Any]) -> None:
    """Ask in the place of beat, and wait until the job is over and nobody logs any more."""
    begin = LOG.stat().st_size
    turn = ["sh", "-c", request["turn"]]
    subprocess.run(turn, cwd=place.stage.path, env=place.env, check=True, capture_output=True)
    done = request["done"]
    wait_until(lambda: any(done in line for _, line in lines_since(begin)), "end of a job")
    size = 0
    while size < (size := LOG.stat().st_size):
        time.sleep(QUIET)


def lines_since(begin: int) -> list[tuple[str, str]]:
    """What the processes have said, and which."""
    return SAID.findall(LOG.read_bytes()[begin:].decode())


def said(place: Place, begin: int, received: str) -> str:
    """What of that is about a request, by its id, and the mails, process by process."""
    (identity,) = re.findall(r"^X-Request-ID: (.*)", received, re.MULTILINE)
    wait_until(lambda: any(identity in line for _, line in lines_since(begin)), "log of a request")
    lines = [
        (who == "mail", f"{who}: {line}".rstrip())
        for who, line in lines_since(begin)
        if identity in line or who == "mail"
    ]
    usual, ours = f"localhost:{place.stage.port}", f"localhost:{place.port}"
    in_order = (line for _, line in sorted(lines, key=lambda line: line[0]))
    return "\n".join(in_order).replace(ours, usual)


def wait_until(question: Callable[[], bool], what: str) -> None:
    """Ask until the answer is yes; raises ClickException when it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not question():
        if time.monotonic() > deadline:
            raise click.ClickException(f"in vain waited for the {what}: {LOG.relative_to(ROOT)}")
        time.sleep(0.05)


def told_sql(place: Place) -> int:
    """How long PostgreSQL's log is by now."""
    return postgres.LOG.stat().st_size if place.stage.needs_postgres else 0


def statements_in(begin: int, end: int) -> list[str]:
    """What a part of that log has on our database."""
    if begin == end:
        return []
    told = postgres.LOG.read_bytes()[begin:end].decode(errors="replace")
    plain = (found.replace("\n\t", "\n") for found in STATEMENT.findall(told))
    return [formatted(each) if each.strip() else EMPTY for each in plain]


def formatted(statement: str) -> str:
    """A statement in lines, without the break that sqlparse makes in the name of a lock."""
    text: str = sqlparse.format(statement, reindent=True, wrap_after=80)
    return re.sub(r"^FOR( NO KEY)?\nUPDATE", r"FOR\1 UPDATE", text, flags=re.MULTILINE)


@contextmanager
def monitored(place: Place) -> Iterator[list[str]]:
    """What Valkey is told, until it has been quiet for a moment; filled when the block ends."""
    commands: list[str] = []
    if not place.stage.needs_valkey:
        yield commands
        return
    with (
        Valkey.from_url(place.env["REDIS_URL"], socket_timeout=QUIET) as client,
        client.monitor() as monitor,
        suppress(Quiet),
    ):
        yield commands
        while True:
            told = monitor.next_command()
            indent = "  " if told["client_type"] == "lua" else ""  # A script's own commands.
            commands.append(indent + shortened(told["command"]))


def shortened(command: str) -> str:
    """A command; of a job's message what somebody would read, and of all else the beginning."""
    name, _, content = command.partition(" {")
    if name.startswith("LPUSH"):
        message = json.loads("{" + content)
        head, (args, *_) = message["headers"], json.loads(b64decode(message["body"]))
        read = {"task": head["task"], "id": head["id"], "args": args, "retries": head["retries"]}
        return f"{name} {json.dumps(read)}"
    return command if len(command) <= LONGEST else f"{command[:LONGEST]}…"
