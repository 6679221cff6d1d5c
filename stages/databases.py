"""Databases on a PostgreSQL server, ours or one that a user has named."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import click
import psycopg
from psycopg.sql import SQL, Identifier


@contextmanager
def _server_of(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the server that a database's URL leads to."""
    server = urlsplit(url)._replace(path="/postgres").geturl()
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise click.ClickException(f"PostgreSQL refused: {reason}") from error


def names(url: str) -> set[str]:
    """The names of all databases on a server."""
    with _server_of(url) as server:
        return {name for (name,) in server.execute("SELECT datname FROM pg_database")}


def is_untouched(url: str) -> bool:
    """Whether no migration has been run in a database yet."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    return found == (None,)


def make(url: str, name: str) -> str:
    """Make a database unless it is there; returns its URL. Call it serialised."""
    if name not in names(url):
        with _server_of(url) as server:
            server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def log_statements(url: str, name: str) -> None:
    """Have the server's log tell each statement on a database, for connections from now on."""
    with _server_of(url) as server:
        statement = SQL("ALTER DATABASE {} SET log_statement = 'all'")
        server.execute(statement.format(Identifier(name)))


def drop(url: str, name: str) -> None:
    """Drop a database if it is there, whoever still uses it."""
    with _server_of(url) as server:
        server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
