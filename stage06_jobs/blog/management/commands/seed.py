from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from blog import demo, samples


class Command(BaseCommand):
    help = "Stores a few posts to read or, with --posts, very many to measure; never any twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--posts", type=int, metavar="N", help="generated posts to have")

    def handle(self, *, posts: int | None, **options: Any) -> None:
        if posts is None:
            if not settings.DEBUG:
                raise CommandError("With DEBUG=true only: the demo has a published password.")
            demo.load()
            people = ", ".join(f"{name.lower()} ({role})" for name, role in demo.ROLES.items())
            self.stdout.write(f"Accounts at example.com, password {demo.PASSWORD!r}: {people}")
        else:
            samples.load(posts)
