"""The Celery application, of which web, workers and beat are each a part."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from config import metrics  # noqa: F401, which counts jobs by Celery's signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("strata")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**kwargs: Any) -> None:
    """Being connected is all it does: Celery then leaves LOGGING of the settings as it is."""
