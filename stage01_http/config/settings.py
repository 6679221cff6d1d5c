"""All settings, each from the environment where it may differ; `.env.example` explains them."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
DEMO = env.bool("DEMO", default=False)

INSTALLED_APPS = [
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
