"""All settings, each from the environment where it may differ; `.env.example` explains them."""

import re
from datetime import timedelta
from pathlib import Path

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from psycopg_pool import ConnectionPool

from config.environment import require_sound

BASE_DIR = Path(__file__).resolve().parent.parent

# NAME_FILE names a file that holds the value: what a secret is given by, for an environment shows
# up in `docker inspect`, in crash reports and in every child process.
env = environ.FileAwareEnv()
env.read_env(BASE_DIR / ".env")

# The image sets it. Off, as on a developer's machine, there is no TLS and no proxy.
PRODUCTION = env.bool("PRODUCTION", default=False)
if PRODUCTION:
    require_sound(env)

# Errors are the same with it and without: it lets us serve the static files of the pages for
# people, under /api/docs/ and in the browsable API.
DEBUG = env.bool("DEBUG", default=False)

# What sessions, forms and their like are signed with.
SECRET_KEY = env.str("SECRET_KEY")

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
                # The image has fewer threads than these: there one waits only for a dead server.
                "timeout": 0.5 if PRODUCTION else 1.5,
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
REDIS_URL = env.str("REDIS_URL")
# Seconds. Long for Redis, and still short for whoever waits for a page that has to do without it.
REDIS_TIMEOUT = env.float("REDIS_TIMEOUT", default=0.2)
CACHES = {"default": {"BACKEND": "config.redis.Cache", "LOCATION": REDIS_URL}}
# Read from Redis, and kept in the database for when that is away.
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
# Seconds. Proxies take a connection that says nothing for a minute for dead.
STREAM_HEARTBEAT = env.float("STREAM_HEARTBEAT", default=15)
STREAM_LIMIT = env.int("STREAM_LIMIT", default=500)

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "accounts",
    "blog",
    "exports",
    "outbox",
    "todos",
]

MIDDLEWARE = [
    "config.metrics.MetricsMiddleware",
    "config.middleware.RequestIdMiddleware",
    "config.security.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "blog.middleware.PublicPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.problems.ProblemMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "static/"
# The image's build collects them there, named by their content, so that they may be cached for
# ever; without it they are found where the packages have them.
STATIC_ROOT = env.str("STATIC_ROOT", default=None)

# Whoever is about to stop a process makes this file, and waits until nobody sends it any more.
DRAIN_FILE = Path(env.str("DRAIN_FILE", default="/tmp/draining"))  # noqa: S108, writable anywhere

# Only the proxy can reach us, and it overwrites this header whatever a client sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_SSL_REDIRECT = PRODUCTION
# Probes come from the same network without TLS.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
# Seconds: a year, as the lists that browsers carry ask for.
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.Backend"]
# The first makes new hashes, and replaces those of the others when their owners log in.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
_SIMILAR = {"user_attributes": ["email", "name"]}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator", "OPTIONS": _SIMILAR},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
]
# The constraint on lower("email") makes it unique, and this check sees constraints on columns only.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
LOGIN_REDIRECT_URL = "service"
CSRF_FAILURE_VIEW = "config.views.csrf_failure"

CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_HEADERS = [
    *default_headers,
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = ["ETag", "Location", "Retry-After", "X-Request-ID"]

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": env.str("JWT_SIGNING_KEY"),
    "ISSUER": "strata",
    "AUDIENCE": "strata",
    "USER_ID_CLAIM": "sub",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
}
if len(SIMPLE_JWT["SIGNING_KEY"].encode()) < 32:
    raise ImproperlyConfigured("JWT_SIGNING_KEY must have 32 bytes or more (RFC 7518 §3.2).")


def rate(value: str) -> str:
    """A number of times in a second, minute, hour or day: `10/min`."""
    if not re.fullmatch(r"[1-9][0-9]*/(s|sec|m|min|h|hour|d|day)", value):
        raise ImproperlyConfigured(f"{value!r} is no rate like 10/min.")
    return value


REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.http.Negotiation",
    "DEFAULT_FILTER_BACKENDS": ["config.filters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "config.pagination.CursorPagination",
    "DEFAULT_PARSER_CLASSES": ["config.http.JSONParser"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "config.openapi.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["config.throttles.Writes"],
    "DEFAULT_THROTTLE_RATES": {
        "login": env("LOGIN_RATE", cast=rate, default="10/min"),
        "registration": env("REGISTRATION_RATE", cast=rate, default="20/hour"),
        "writes": env("WRITE_RATE", cast=rate, default="300/min"),
        "idempotency": env("IDEMPOTENCY_RATE", cast=rate, default="1000/day"),
    },
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.URLPathVersioning",
    "DEFAULT_VERSION": "v1",
    "ALLOWED_VERSIONS": ["v1"],
    "EXCEPTION_HANDLER": "config.problems.handle",
    # How many proxies of ours add to X-Forwarded-For. What else stands in it, anybody can invent.
    "NUM_PROXIES": env.int("NUM_PROXIES", default=0),
    # The media type is chosen by `Accept` alone.
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Strata",
    "DESCRIPTION": "A blog whose posts carry a checklist: published once its to-dos are done.",
    "VERSION": "1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.complete",
    ],
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

TIME_ZONE = "UTC"

# Bytes. A longer body is refused with a 413 before more than this of it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Seconds after which this process ends a job; the worker for reports is started with more.
JOB_SECONDS = env.int("JOB_SECONDS", default=10)

CELERY_BROKER_URL = env.str("BROKER_URL", default=REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "jobs:",
    # A message that was not acknowledged in this time goes to another worker: longer than any job
    # takes, and no longer, for so long a job waits whose worker was killed.
    "visibility_timeout": JOB_SECONDS + 5,
    # By name, so default before mail: what is due must not wait for a mail server that is slow.
    "queue_order_strategy": "sorted",
    # kombu looks for such messages every second. It would every 10 × 10 seconds.
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    # All that share a list of the unacknowledged go by the shortest time of any, so workers with
    # another time have another list.
    "unacked_key": f"unacked.{JOB_SECONDS}",
    "unacked_index_key": f"unacked_index.{JOB_SECONDS}",
    "unacked_mutex_key": f"unacked_mutex.{JOB_SECONDS}",
    # Seconds until a broker that does not answer is taken for dead, and no second try: the outbox
    # tries again.
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "max_retries": 0,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
# A long export must not delay a mail.
CELERY_TASK_ROUTES = {
    "blog.mails.*": {"queue": "mail"},
    "exports.tasks.build_export": {"queue": "reports"},
}
# Acknowledged when done and not when begun; also when the process of the job alone was killed.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# First by an exception in it, then by SIGKILL.
CELERY_TASK_SOFT_TIME_LIMIT = JOB_SECONDS
CELERY_TASK_TIME_LIMIT = JOB_SECONDS + 2
# On SIGTERM jobs have this time to end before they are given back.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
# What became of a job stands in the outbox and in what the job was for.
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="smtp://localhost:8025")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 5  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="strata@localhost")

# Where this service is for the readers of its mails.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000")

# Files for download; web and workers need the same.
MEDIA_ROOT = env.path("MEDIA_ROOT", default=BASE_DIR / "media")
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"allow_overwrite": True},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.middleware.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s [%(request_id)s] %(message)s"},
        "json": {"()": "config.logs.json_formatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id"],
            "formatter": "json" if PRODUCTION else "line",
        },
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"level": "INFO"},
        # RequestIdMiddleware writes one line a request and ProblemMiddleware each traceback;
        # these two would say the same again.
        "django.request": {"level": "CRITICAL"},
        "django.server": {"level": "CRITICAL"},
        # The same of Celery's lines on each task: Job writes one.
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
