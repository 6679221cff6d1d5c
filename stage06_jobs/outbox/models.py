from datetime import timedelta
from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.timezone import now


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self) -> Self:
        return self.filter(failed_at=None, due_at__lte=now())

    def dead(self) -> Self:
        return self.exclude(failed_at=None)


class Message(models.Model):
    """A job that somebody asked for: deleted once it is done, kept with its error if it failed.

    So a message that is not there is done, and a copy of it that the broker still has is harmless.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    task = models.CharField(max_length=100)
    args = models.JSONField()
    # What goes along with it to the worker: the id of the request that asked for it.
    headers = models.JSONField()
    created_at = models.DateTimeField(default=now)
    # When to hand it to the broker, or again if it is still here.
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(default="")

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [
            # Message.objects.due(): dead letters may pile up, but not here.
            models.Index(fields=["due_at"], condition=Q(failed_at=None), name="message_due"),
        ]

    def __str__(self) -> str:
        return f"{self.task}({', '.join(map(str, self.args))})"

    def start(self, again: timedelta) -> None:
        """Counts an attempt before it is made: one that kills its worker could not afterwards."""
        self.attempts += 1
        self.due_at = now() + again
        self.save(update_fields=["attempts", "due_at"])

    def postpone(self, delay: timedelta) -> None:
        self.due_at = now() + delay
        self.save(update_fields=["due_at"])

    def mark_dead(self, error: str) -> None:
        """Makes it a dead letter, which is not tried again unless somebody requeues it."""
        self.failed_at, self.error = now(), error
        self.save(update_fields=["failed_at", "error"])
