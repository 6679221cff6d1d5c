from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import User


class ExportQuerySet(models.QuerySet["Export"]):
    def of(self, owner: User) -> Self:
        return self.filter(owner=owner, expires_at__gt=now())

    def expired(self) -> Self:
        return self.filter(expires_at__lte=now())


class Export(models.Model):
    """All posts and to-dos of somebody in a file, which a job makes and which is kept for a day."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"

    owner = models.ForeignKey(User, models.CASCADE, db_index=False)
    status = models.CharField(
        max_length=7,
        choices=[(name, name) for name in (WAITING, READY, FAILED)],
        default=WAITING,
    )
    progress = models.PositiveSmallIntegerField(default=0)  # per cent
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            # However often somebody asks, one is made at a time.
            models.UniqueConstraint(
                fields=["owner"], condition=Q(status="waiting"), name="export_one_waiting"
            ),
        ]
        indexes = [
            # GET exports/, newest first; and the foreign key, which it begins with.
            models.Index(fields=["owner", "-created_at", "-id"], name="export_newest"),
        ]

    def __str__(self) -> str:
        return self.file

    @property
    def file(self) -> str:
        """Its name in the storage."""
        return f"exports/{self.id}.zip"
