"""The servers of this clone: shared by all ./stage processes, stopped by the last one.

PostgreSQL is one server with a database for each stage; every stage has a Valkey of its own.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from stages import databases, postgres, valkey
from stages.keys import secret_keys
from stages.layout import STATE, Stage, stages
from stages.processes import serialised, shielded

ENV_MARKER = "# Written by ./stage while its servers are up. Make the file yours: delete this line."

Variables = dict[Stage, dict[str, str]]
"""What the processes of each stage need in their environment: keys, and addresses of servers."""


@contextlib.contextmanager
def servers(wanted: Sequence[Stage], mark: str, *, passing: bool = False) -> Iterator[Variables]:
    """Give each stage its keys and its databases, on servers that run while any ./stage needs them.

    For a ``passing`` use, such as tests, the databases are this run's own: Valkey's is empty and
    gone afterwards, PostgreSQL's is only named, for a test runner to make. A ``DATABASE_URL`` or
    ``REDIS_URL`` in the environment wins: then no such server is started.
    """
    names = {stage: f"{stage.name}_{mark}" if passing else stage.name for stage in wanted}
    variables = _given(names, passing)
    sql = [s for s in wanted if s.needs_postgres and "DATABASE_URL" not in variables[s]]
    redis = [s for s in wanted if s.needs_valkey and "REDIS_URL" not in variables[s]]
    with _shared() if sql or redis else contextlib.nullcontext():
        try:
            with shielded(), serialised():
                for stage in redis:
                    variables[stage]["REDIS_URL"] = valkey.start(names[stage])
                if sql:
                    base = postgres.start()
                    _write_env_files(base)
                    for stage in sql:
                        url = f"{base}/{names[stage]}"
                        variables[stage]["DATABASE_URL"] = url
                        if not passing:
                            databases.make(url, names[stage])
            yield variables
        finally:
            if passing:
                with shielded():
                    for stage in redis:
                        valkey.discard(names[stage])


def _given(names: dict[Stage, str], passing: bool) -> Variables:
    """The keys of each stage, and the servers that the environment names."""
    variables = {stage: secret_keys(stage) for stage in names}
    if url := os.environ.get("DATABASE_URL"):
        users = [stage for stage in names if stage.needs_postgres]
        if not passing:
            _require_one("DATABASE_URL", users)
        for stage in users:
            own = urlsplit(url)._replace(path=f"/{names[stage]}").geturl()
            variables[stage]["DATABASE_URL"] = own if passing else url
    if url := os.environ.get("REDIS_URL"):
        users = [stage for stage in names if stage.needs_valkey]
        _require_one("REDIS_URL", users)
        for stage in users:
            variables[stage]["REDIS_URL"] = url
    return variables


def _require_one(variable: str, users: list[Stage]) -> None:
    if len(users) > 1:
        raise click.UsageError(
            f"{variable} names one database and each stage needs its own;"
            " give one stage at a time, or unset it"
        )


@contextlib.contextmanager
def _shared() -> Iterator[None]:
    """Keep the servers up; the last user stops them."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "users.lock").open("a+") as users:
        try:
            with shielded(), serialised():
                fcntl.lockf(users, fcntl.LOCK_SH)
            yield
        finally:
            with shielded(), serialised(), contextlib.suppress(BlockingIOError):
                # Only the last user gets it alone; one that was killed holds nothing any more.
                fcntl.lockf(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_env_files()
                postgres.stop()
                valkey.stop_all()


def _write_env_files(base: str) -> None:
    """Let pytest and manage.py typed in a stage's folder find the servers by themselves."""
    for path, stage in _env_files():
        values = {"DATABASE_URL": f"{base}/{stage.name}", **secret_keys(stage)}
        if stage.needs_valkey:
            if not (url := valkey.running_url(stage.name)):
                continue
            values["REDIS_URL"] = url
        lines = (f"{name}={value}\n" for name, value in values.items())
        path.touch(mode=0o600)
        path.write_text(f"{ENV_MARKER}\n{''.join(lines)}")


def _remove_env_files() -> None:
    for path, _ in _env_files():
        path.unlink(missing_ok=True)


def _env_files() -> Iterator[tuple[Path, Stage]]:
    """The .env files that are ours: not there yet, or with our first line."""
    for stage in stages():
        path = stage.path / ".env"
        if stage.needs_postgres and (
            not path.exists() or path.read_text().startswith(f"{ENV_MARKER}\n")
        ):
            yield path, stage
