"""The service as a WSGI application (PEP 3333), for any WSGI server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# The process that serves is the one that keeps the posts, so it is the one to load them.
if settings.DEMO:
    from blog import demo

    demo.load()
