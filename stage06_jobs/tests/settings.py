"""The settings of the service, but for what it costs to hash a password."""

from django.contrib.auth.hashers import Argon2PasswordHasher

from config.settings import *  # noqa: F403


class QuickHasher(Argon2PasswordHasher):
    """Argon2 with the least work, for tests hash often and have nothing to hide."""

    time_cost, memory_cost, parallelism = 1, 8, 1


PASSWORD_HASHERS[0] = f"{__name__}.QuickHasher"  # noqa: F405
