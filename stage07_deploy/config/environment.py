"""What the environment must hold in production. All faults are told, not the first alone."""

import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import environ

SECRETS = ("SECRET_KEY", "JWT_SIGNING_KEY")
URLS = {
    "DATABASE_URL": ("postgres", "postgresql"),
    "REDIS_URL": ("redis", "rediss"),
    "EMAIL_URL": ("smtp", "smtp+tls", "smtp+ssl"),
}
SHORTEST_SECRET = 50  # Characters, as in Django's own check of SECRET_KEY.


def require_sound(env: environ.Env) -> None:
    """Ends the process with one line for each fault: a service half configured is not started."""
    if faults := [*secret_faults(env), *url_faults(env), *exposure_faults(env)]:
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
    for name, schemes in URLS.items():
        value = read(env, name)
        if not value:
            yield f"{name} is missing"
            continue
        try:
            url = urlsplit(value)
            # The port is read here because only reading it finds out that it is none.
            sound = url.scheme in schemes and url.hostname and url.port != 0 and value.isprintable()
        except ValueError:
            sound = False
        if not sound:
            # The value has a password in it, so the line does not repeat it.
            yield f"{name} is no URL of the form {schemes[0]}://user:password@host:port/name"


def exposure_faults(env: environ.Env) -> Iterator[str]:
    if env.bool("DEBUG", default=False):
        yield "DEBUG is on"
    hosts = env.list("ALLOWED_HOSTS", default=[])
    if not hosts:
        yield "ALLOWED_HOSTS is missing"
    if "*" in hosts:
        yield "ALLOWED_HOSTS is open to any name: list those of this service"
    if not env.str("PUBLIC_URL", default="").startswith("https://"):
        yield "PUBLIC_URL is no https:// address"
