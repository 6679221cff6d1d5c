from tempfile import TemporaryFile
from typing import Any

from celery import shared_task
from django.core.files import File
from django.core.files.storage import default_storage

from exports.archive import write_archive
from exports.models import Export
from outbox.jobs import Job


class ExportJob(Job):
    def give_up(self, *args: Any) -> None:
        Export.objects.filter(id__in=args).update(status=Export.FAILED)


@shared_task(base=ExportJob)
def build_export(export_id: int) -> None:
    """Makes the file; done twice, it makes the same file."""
    clear_expired()
    unfinished = Export.objects.filter(id=export_id).exclude(status=Export.READY)
    export = unfinished.select_related("owner").first()
    if export is None:
        return
    # Named and shown once it is whole.
    with TemporaryFile() as file:
        for progress in write_archive(export.owner, file):
            unfinished.update(progress=progress)
        default_storage.save(export.file, File(file))
    if not unfinished.update(status=Export.READY, progress=100):
        # The export has expired meanwhile: nobody would find the file, nor ever delete it.
        default_storage.delete(export.file)


@shared_task
def clear_expired() -> None:
    """Deletes exports a day old, the files first: a row without a file is no trace of a person."""
    for export in Export.objects.expired():
        default_storage.delete(export.file)
        export.delete()
