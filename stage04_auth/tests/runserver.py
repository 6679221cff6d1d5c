"""The development server with a longer queue: of more than ten callers at once it drops some."""

import os
import sys

from django.core.management import execute_from_command_line
from django.core.servers.basehttp import WSGIServer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
WSGIServer.request_queue_size = 128
execute_from_command_line(["manage.py", "runserver", "--noreload", *sys.argv[1:]])
