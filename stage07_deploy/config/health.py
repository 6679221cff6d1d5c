"""Whether this process is alive, and whether what it depends on is ready."""

import logging
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from config.celery import app
from config.redis import client

logger = logging.getLogger(__name__)


@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """200 while requests may be sent here.

    It asks nobody else: a dead database is no reason to keep requests away, for what is cached can
    be served, and a restart of this process would not mend it.
    """
    if settings.DRAIN_FILE.exists():
        return JsonResponse({"process": "draining"}, status=503)
    return JsonResponse({"process": "ok"})


@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when everything that a request can need is there, 503 otherwise; names what is not."""
    found = {name: state(check) for name, check in CHECKS.items()}
    needed = {found[name] for name in CHECKS if name not in NOT_NEEDED}
    return JsonResponse(found, status=200 if needed == {"ok"} else 503)


def state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:
        logger.warning("not ready: %s", error)
        return "failed"
    return "ok"


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache
def migrations() -> None:
    # Asked until there are none, and then never again: more can only come with other code.
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError(f"{len(plan)} migrations are pending")


def redis() -> None:
    # Not by Django's cache, which is empty while Redis is away, and says nothing.
    client.ping()


def broker() -> None:
    with app.connection_for_write() as connection:
        connection.connect()


CHECKS: dict[str, Callable[[], None]] = {
    "database": database,
    "migrations": migrations,
    "cache": redis,
    "broker": broker,
}
# A request leaves its jobs in the outbox; it is the workers who wait for the broker.
NOT_NEEDED = {"broker"}
