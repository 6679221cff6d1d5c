"""Asking for jobs, and handing them to the broker until they are done."""

from datetime import timedelta
from typing import Any

from celery import Task
from django.db import transaction
from django.utils.timezone import now

from config.celery import app
from config.middleware import request_id
from outbox.models import Message, MessageQuerySet

# After how long a message that is still here is taken for lost, at first and at most.
SHORTEST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
BATCH = 500


def enqueue(task: Task[Any, None], *args: int | str) -> None:
    """Asks for a job in the caller's transaction: it will run if that commits, and only then."""
    headers = {"request_id": request_id.get()}
    Message.objects.create(task=task.name, args=args, headers=headers, due_at=now())


def send_due() -> None:
    """Hands to the broker what is due: new, to be tried again, or lost by a crash or the broker."""
    with transaction.atomic():
        # Two of these can run at once: each skips the rows that the other has locked, and once
        # they are unlocked they are due no more.
        due = list(Message.objects.due().select_for_update(skip_locked=True)[:BATCH])
        for message in due:
            # As long again as it has waited so far: a queue that is long only gets longer by it.
            waited = now() - message.created_at
            message.due_at = now() + min(max(waited, SHORTEST_WAIT), LONGEST_WAIT)
        Message.objects.bulk_update(due, ["due_at"])
    # Not before the commit: a message sent and not yet postponed would be sent by the next turn
    # again. Who dies here leaves the rest to a later turn.
    for message in due:
        send(message)


def send(message: Message) -> None:
    own: dict[str, Any] = {"task_id": str(message.id), "headers": message.headers}
    # Celery would send along the time limits of this process; those of the job's worker count.
    app.send_task(message.task, message.args, **own, time_limit=None, soft_time_limit=None)


def requeue(letters: MessageQuerySet) -> int:
    """Makes dead letters due again, as if they were new; returns how many."""
    return letters.dead().update(failed_at=None, error="", attempts=0, due_at=now())
