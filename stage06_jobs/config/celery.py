"""The Celery application, of which web, workers and beat are each a part."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun

from config.middleware import request_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("strata")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def every(seconds: float, task: str) -> dict[str, Any]:
    """A turn that no worker took in time is dropped: after a time without any, thousands wait."""
    # Not sooner than the clocks of two machines may differ.
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 10)}}


app.conf.beat_schedule = {
    "send what is due": every(0.5, "outbox.tasks.send_due"),
    "publish what is due": every(2, "blog.tasks.publish_due"),
    "flush views": every(60, "blog.tasks.flush_views"),
    "clear exports": every(3600, "exports.tasks.clear_expired"),
    "clear log-ins": every(3600, "accounts.tasks.clear_expired"),
}


@setup_logging.connect
def keep_logging(**kwargs: Any) -> None:
    """Being connected is all it does: Celery then leaves LOGGING of the settings as it is."""


@task_prerun.connect
def take_request_id(task: Any, **kwargs: Any) -> None:
    """Gives all lines of a job, also those of Celery, the id of the request that asked for it."""
    request_id.set((task.request.headers or {}).get("request_id", "-"))
