"""What the environment must hold in production. All faults are told, not the first alone."""

import re
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import environ

SECRETS = ("SECRET_KEY", "JWT_SIGNING_KEY")
# Schemes and path of each, and an example of the path: a database of PostgreSQL has a name, one of
# Redis a number or none.
URLS = {
    "DATABASE_URL": (("postgres", "postgresql"), "/[^/]+", "/name"),
    "REDIS_URL": (("redis", "rediss"), "(/[0-9]*)?", "/0"),
    "BROKER_URL": (("redis", "rediss"), "(/[0-9]*)?", "/0"),
    "EMAIL_URL": (("smtp", "smtp+tls", "smtp+ssl"), "/?", ""),
}
OPTIONAL = {"BROKER_URL"}
NUMBERS: dict[str, Callable[[str], float]] = {
    "JOB_SECONDS": int,
    "NUM_PROXIES": int,
    "REDIS_TIMEOUT": float,
    "STREAM_HEARTBEAT": float,
    "STREAM_LIMIT": int,
}
SHORTEST_SECRET = 50  # Characters, as in Django's own check of SECRET_KEY.


def require_sound(env: environ.Env) -> None:
    """Ends the process with one line for each fault: a service half configured is not started."""
    checks = (secret_faults, url_faults, number_faults, exposure_faults)
    if faults := [fault for check in checks for fault in check(env)]:
        sys.exit("\n".join(f"settings: {fault}" for fault in faults))


def read(env: environ.Env, name: str) -> str:
    try:
        return str(env.str(name, default=""))
    except OSError:
        # NAME_FILE names a file that cannot be read.
        return ""


def secret_faults(env: environ.Env) -> Iterator[str]:
    values = {name: read(env, name) for name in SECRETS}
    for name, value in values.items():
        if not value:
            yield f"{name} is missing"
        elif len(value) < SHORTEST_SECRET or len(set(value)) < 5:
            yield f"{name} is weak: give it {SHORTEST_SECRET} random characters"
        elif value != value.strip():
            yield f"{name} ends in white space, a line break perhaps"
    if len(set(values.values()) - {""}) < len(list(filter(None, values.values()))):
        yield f"{' and '.join(SECRETS)} are the same: what leaks one would leak the other"


def url_faults(env: environ.Env) -> Iterator[str]:
    for name, (schemes, path, example) in URLS.items():
        value = read(env, name)
        if not value and name not in OPTIONAL:
            yield f"{name} is missing"
        elif value != value.strip():
            yield f"{name} ends in white space, a line break perhaps"
        elif value and not is_sound(value, schemes, path):
            # The value has a password in it, so the line does not repeat it.
            yield f"{name} is no URL of the form {schemes[0]}://user:password@host:port{example}"


def is_sound(value: str, schemes: tuple[str, ...], path: str) -> bool:
    try:
        url = urlsplit(value)
        # The port is read here because only reading it finds out that it is none.
        place = url.hostname and url.port != 0 and re.fullmatch(path, url.path)
    except ValueError:
        return False
    return url.scheme in schemes and bool(place) and value.isprintable()


def number_faults(env: environ.Env) -> Iterator[str]:
    for name, number in NUMBERS.items():
        try:
            number(env.str(name, default="1"))
        except ValueError:
            yield f"{name} is no number"


def exposure_faults(env: environ.Env) -> Iterator[str]:
    if env.bool("DEBUG", default=False):
        yield "DEBUG is on"
    hosts = env.list("ALLOWED_HOSTS", default=[])
    if not hosts:
        yield "ALLOWED_HOSTS is missing"
    if "*" in hosts:
        yield "ALLOWED_HOSTS is open to any name: list those of this service"
    if not is_sound(env.str("PUBLIC_URL", default=""), ("https",), ".*"):
        yield "PUBLIC_URL is no https:// address"
