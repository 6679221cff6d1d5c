from tempfile import TemporaryFile

from celery import shared_task
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import OperationalError

from exports.archive import write_archive
from exports.models import Export
from outbox.jobs import Job


@shared_task(base=Job)
def build_export(export_id: int) -> None:
    """Makes the file; done twice, it makes the same file."""
    unfinished = Export.objects.filter(id=export_id).exclude(status=Export.READY)
    export = unfinished.select_related("owner").first()
    if export is None:
        return
    try:
        # Named and shown once it is whole.
        with TemporaryFile() as file:
            for progress in write_archive(export.owner, file):
                unfinished.update(progress=progress)
            default_storage.save(export.file, File(file))
    except OperationalError:
        raise  # Tried again by itself, so it has not failed.
    except Exception:
        # Until somebody revives the dead letter.
        unfinished.update(status=Export.FAILED)
        raise
    unfinished.update(status=Export.READY, progress=100)


@shared_task
def clear_expired() -> None:
    """Deletes exports a day old, the files first: a row without a file is no trace of a person."""
    for export in Export.objects.expired():
        default_storage.delete(export.file)
        export.delete()
