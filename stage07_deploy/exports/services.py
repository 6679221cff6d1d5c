from datetime import timedelta

from django.db import transaction
from django.utils.timezone import now

from accounts.models import User
from exports.models import Export
from exports.tasks import build_export
from outbox.services import enqueue

LIFETIME = timedelta(days=1)


def request_export(*, owner: User) -> Export:
    """The export that is being made for `owner`, or else a new one in place of those before."""
    with transaction.atomic():
        exports = Export.objects.filter(owner=owner)
        # One that nobody has made in its time is not shown, but to the constraint it still waits.
        exports.filter(status=Export.WAITING).expired().update(status=Export.FAILED)
        # Of two requests at once the unique constraint lets one store, and the other finds it.
        export, created = exports.get_or_create(
            owner=owner, status=Export.WAITING, defaults={"expires_at": now() + LIFETIME}
        )
        if created:
            # Or who asks again and again would fill the disk.
            exports.filter(status=Export.READY).update(expires_at=now())
            enqueue(build_export, export.id)
    return export
