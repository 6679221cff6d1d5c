from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Django's command, without the time limit of a request: to index a table takes its time."""

    def handle(self, *args: Any, **options: Any) -> None:
        with connections[options["database"]].cursor() as cursor:
            # The limit for locks stays: who waits for a whole table has all others wait behind.
            cursor.execute("SET statement_timeout = 0")
            super().handle(*args, **options)
            cursor.execute("RESET statement_timeout")
