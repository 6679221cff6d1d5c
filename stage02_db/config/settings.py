"""All settings, each from the environment where it may differ; `.env.example` explains them."""

from pathlib import Path

import environ
from psycopg_pool import ConnectionPool

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

DATABASES = {
    "default": {
        **env.db("DATABASE_URL"),
        # A request borrows a connection and waits at most so many seconds for it; a connection that
        # died with the server is found out and replaced before it is lent.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {
                "min_size": 1,
                "max_size": 10,
                "timeout": 1.5,
                # Without it, the pause between attempts to reach a server that is away doubles
                # each time, and it is not noticed for long that the server is back.
                "reconnect_timeout": 0.5,
                # The other connections died with the server too. Left to those who borrow them,
                # they would be found out one by one.
                "reconnect_failed": ConnectionPool.check,
            },
            "options": "-c statement_timeout=5s -c lock_timeout=2s",
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.postgres",
    "blog",
    "todos",
]

MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.problems.ProblemMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
    },
]

TIME_ZONE = "UTC"

# Bytes. A longer body is refused with a 413 before more than this of it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.middleware.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s [%(request_id)s] %(message)s"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id"],
            "formatter": "line",
        },
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"level": "INFO"},
        # RequestIdMiddleware writes one line a request and ProblemMiddleware each traceback;
        # these two would say the same again.
        "django.request": {"level": "CRITICAL"},
        "django.server": {"level": "CRITICAL"},
    },
}
