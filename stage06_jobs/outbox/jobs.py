"""Running jobs: at least once, and never again once one has succeeded."""

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from celery import Task
from celery.exceptions import Ignore, Retry
from celery.utils.time import get_exponential_backoff_interval
from django.conf import settings
from django.db import Error, OperationalError, connection

from outbox.models import Message

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 16
MAX_DELAY = 3600  # seconds; with it, the attempts spread over some hours


class Job(Task[Any, None]):
    """A task that does the message of the outbox whose id it has.

    The broker delivers at least once, and may deliver a copy while another one still runs. Of
    copies only one runs at a time, and none after one has succeeded. What a job does must still
    bear to be done twice: the worker can die when all is done but the message not yet deleted.
    """

    # Errors that time can mend, as it can a database out of reach: tried again, ever later. Any
    # other makes a dead letter at once.
    retry_on: tuple[type[Exception], ...] = ()

    @property
    def key(self) -> str:
        """The id of the message, the same in each attempt."""
        return str(self.request.id)

    def __call__(self, *args: Any) -> None:
        with try_lock(self.key) as locked:
            message = Message.objects.filter(id=self.key, failed_at=None).first()
            if not (locked and message):
                raise Ignore
            self.attempt(message)

    def attempt(self, message: Message) -> None:
        """One attempt, whose end is kept: message gone, postponed or dead.

        Celery is told the same, for all that goes by the states of its tasks: done, Retry, failed.
        """
        # Sent again after this, a job that still runs is not run beside itself; and one whose end
        # nobody could note, with the database away, does not wait as long as an export may take.
        message.start(timedelta(seconds=min(settings.CELERY_TASK_TIME_LIMIT, 15)))
        started = time.perf_counter()
        try:
            if message.attempts > MAX_ATTEMPTS:
                raise RuntimeError("Each attempt has killed its worker, or run out of time.")
            self.run(*message.args)
        except Exception as error:
            # It may be the connection that has failed, and the next lines need one.
            connection.close_if_unusable_or_obsolete()
            mendable = isinstance(error, (OperationalError, *self.retry_on))
            if mendable and message.attempts < MAX_ATTEMPTS:
                # Jittered, or all that failed together would come back together.
                delay = get_exponential_backoff_interval(2, message.attempts, MAX_DELAY, True)
                message.postpone(timedelta(seconds=delay))
                logger.warning("%s again in %d s: %r", message, delay, error)
                raise Retry(exc=error) from error
            self.give_up(*message.args)
            message.mark_dead(traceback.format_exc())
            logger.error("%s is a dead letter", message)
            raise
        message.delete()
        logger.info("%s done in %.1f ms", message, 1000 * (time.perf_counter() - started))

    def give_up(self, *args: Any) -> None:
        """Called before the message becomes a dead letter, for what else has to tell of it."""


@contextmanager
def try_lock(key: str) -> Iterator[bool]:
    """Whether this process has got the lock of `key`; it ends with the worker at the latest.

    A lock of the session, not of a row: a row's would need a transaction as long as the job, and
    a lease in the row would outlive a worker that was killed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        (locked,) = cursor.fetchone()
        try:
            yield locked
        finally:
            # With a connection that has broken, the lock has ended too.
            with suppress(Error):
                if locked:
                    cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
