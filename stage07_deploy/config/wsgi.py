"""The service as a WSGI application (PEP 3333), for any WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from config import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

tracing.start()

application = get_wsgi_application()
