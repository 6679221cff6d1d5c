"""Asking for jobs, and handing them to the broker until they are done."""

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from celery import Task, current_app
from django.db import transaction
from django.utils.timezone import now
from kombu.exceptions import OperationalError

from config.middleware import request_id
from outbox.models import Message, MessageQuerySet

logger = logging.getLogger(__name__)

# After how long a message that is still here is taken for lost, at first and at most.
SHORTEST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
BATCH = 500


def enqueue(task: Task[Any, None], *args: int | str) -> None:
    """Asks for a job in the caller's transaction: it will run if that commits, and only then."""
    message = Message.objects.create(
        task=task.name, args=args, request_id=request_id.get(), due_at=now() + SHORTEST_WAIT
    )
    transaction.on_commit(partial(send, message))


def send(message: Message) -> None:
    """Hands the message to the broker; one that is out of reach is not waited for."""
    try:
        current_app.send_task(message.task, message.args, task_id=str(message.id), retry=False)
    except OperationalError as error:
        # Whoever asked has been promised the job, not that it starts at once: see send_due.
        logger.warning("broker: %s", error)


def send_due() -> None:
    """Hands over what is due: what a crash or a broker has lost, and what is to be tried again."""
    with transaction.atomic():
        # Two of these can run at once: each skips the rows that the other has locked, and once
        # they are unlocked they are due no more.
        due = list(Message.objects.due().select_for_update(skip_locked=True)[:BATCH])
        for message in due:
            # As long again as it has waited so far: a queue that is long only gets longer by it.
            message.due_at = now() + min(now() - message.created_at, LONGEST_WAIT)
        Message.objects.bulk_update(due, ["due_at"])
    for message in due:
        send(message)


def revive(letters: MessageQuerySet) -> int:
    """Makes dead letters due again, as if they were new; returns how many."""
    return letters.dead().update(failed_at=None, error="", attempts=0, due_at=now())
