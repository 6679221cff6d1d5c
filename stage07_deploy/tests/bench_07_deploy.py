"""What requests cost with the settings of production, and what it costs to be watched."""

import os

from stages.measure import Bench, Request

# Before settings are read, by the import below, in the process that serves this module.
os.environ |= {
    "PRODUCTION": "true",
    "DEBUG": "false",
    "ALLOWED_HOSTS": "localhost",
    "EMAIL_URL": "smtp://localhost",
    "PUBLIC_URL": "https://localhost",
}

from config.wsgi import application  # noqa: F401

LIST = "/api/v1/posts/?status=published"
TLS = {"X-Forwarded-Proto": "https"}


def bench() -> Bench:
    return Bench(
        [
            Request("20 posts, cached", LIST, TLS),
            Request("20 posts, not cached", f"{LIST}&page_size=20", TLS),
            Request("/healthz", "/healthz", at_most=1.5),
            Request("/readyz", "/readyz", at_most=20),
            Request("/metrics", "/metrics", at_most=20),
        ],
        application="tests.bench_07_deploy:application",
    )
