# Tasks belong to this application only in a process that has loaded it.
from config.celery import app as celery_app

__all__ = ["celery_app"]
