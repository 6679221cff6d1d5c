from typing import Any

from django.core.management.base import BaseCommand

from blog.reports import tags_by_month_sql


class Command(BaseCommand):
    help = "Prints what happened under each tag in each month."

    def handle(self, **options: Any) -> None:
        line = "{:<20} {:<7} {:>6} {:>9} {:>11} {:>13}"
        heading = ("tag", "month", "posts", "comments", "open to-dos", "posts so far")
        self.stdout.write(line.format(*heading))
        for tag, month, *counts in (row.values() for row in tags_by_month_sql()):
            self.stdout.write(line.format(tag, f"{month:%Y-%m}", *counts))
