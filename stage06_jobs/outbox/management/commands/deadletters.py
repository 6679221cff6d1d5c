from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from outbox import services
from outbox.models import Message


class Command(BaseCommand):
    help = "Lists the jobs that were given up, shows one with its traceback, or tries them again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?", help="one of them alone, with its traceback")
        parser.add_argument("--requeue", action="store_true", help="try again instead of showing")

    def handle(self, *, id: str | None, requeue: bool, **options: Any) -> None:  # noqa: A002
        letters = Message.objects.dead().order_by("failed_at")
        if id is not None:
            letters = letters.filter(id=id)
            if not letters:
                raise CommandError(f"There is no dead letter {id}.")
        if requeue:
            self.stdout.write(f"{services.requeue(letters)} to be tried again.")
            return
        for letter in letters:
            line = f"{letter.id}  {letter.failed_at:%Y-%m-%d %H:%M}  {letter}"
            self.stdout.write(self.style.MIGRATE_HEADING(line))
            error = letter.error.strip()
            self.stdout.write(error if id else f"  {error.splitlines()[-1]}")
