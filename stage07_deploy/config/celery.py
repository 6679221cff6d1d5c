"""The Celery application, of which web, workers and beat are each a part."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun

from config import metrics, tracing  # noqa: F401, which follow jobs by Celery's signals
from config.middleware import request_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("strata")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**kwargs: Any) -> None:
    """Being connected is all it does: Celery then leaves LOGGING of the settings as it is."""


@task_prerun.connect
def take_request_id(task: Any, **kwargs: Any) -> None:
    """Gives all lines of a job, also those of Celery, the id of the request that asked for it."""
    request_id.set((task.request.headers or {}).get("request_id", "-"))
