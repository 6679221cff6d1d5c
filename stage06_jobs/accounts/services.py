"""Accounts and log-ins: what makes them, and what ends them."""

import logging
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils.timezone import now
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import AUTHOR, TokenFamily, User
from blog.cache import AUTHORS, POSTS, drop_on_commit
from config.problems import Problem

logger = logging.getLogger(__name__)


ENDED = "This log-in has ended. Log in again."


def refused(detail: str) -> Problem:
    """A 401; DRF's own would become a 403 where no token is read, as at a log-in."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="api"'})


def register(*, email: str, name: str, password: str) -> None:
    """Makes the account of an author, unless the address has one already: nobody is told which."""
    # Hashed in either case, for that takes most of the time.
    user = User(email=email, name=name, password=make_password(password))
    try:
        with transaction.atomic():
            user.save()
            user.groups.add(Group.objects.get(name=AUTHOR))
    except IntegrityError:
        # The constraint decides between two who register one address at once.
        logger.info("registration of an address that has an account")


def log_in(*, user: User) -> dict[str, str]:
    """Begins a family of tokens, and forgets those of the user that have died of age."""
    refresh = RefreshToken.for_user(user)
    TokenFamily.objects.filter(user=user).outlived(RefreshToken.lifetime).delete()
    fields = {"jti": refresh["jti"], "password_hmac": user.get_session_auth_hash()}
    family = TokenFamily.objects.create(user=user, **fields)
    return pair(str(family.id), refresh)


def pair(sid: str, refresh: RefreshToken) -> dict[str, str]:
    refresh["sid"] = sid
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


def renew(*, refresh: str) -> dict[str, str]:
    """A new pair for a refresh token, which is good once; a second use ends its whole family.

    Of two who use one token, one has stolen it, and nobody can say which (RFC 9700 §4.14.2). So a
    client has to refresh one at a time and keep what it gets: a replay, also an honest double
    click or a retry after a lost answer, costs a log-in.
    """
    try:
        used = RefreshToken(refresh)  # type: ignore[arg-type]
        user = User.objects.of_log_in(used.get("sid"))
    except TokenError:
        raise refused("This token is not good, or no longer.") from None
    except User.DoesNotExist:
        raise refused(ENDED) from None
    family, fresh = TokenFamily.objects.filter(id=used["sid"]), RefreshToken.for_user(user)
    # One statement compares and replaces. Who comes second waits for the first to commit, compares
    # again, and finds another token in the row.
    if not family.filter(jti=used["jti"]).update(jti=fresh["jti"], renewed_at=now()):
        if not family.delete()[0]:
            raise refused(ENDED)  # by a log-out meanwhile
        logger.warning("a refresh token of user %s was used twice", user.pk)
        raise refused("This token has been used before. Log in again.")
    return pair(used["sid"], fresh)


def log_out(*, sid: str) -> None:
    """Ends the family: none of its tokens is good from now on."""
    TokenFamily.objects.filter(id=sid).delete()


def update_account(*, user: User, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(user, name, value)
    user.save(update_fields=changes)
    drop_on_commit(POSTS, AUTHORS)  # for posts have the name in them


def change_password(*, user: User, password: str) -> None:
    """Ends every log-in of the user: each holds to the password that it was made with."""
    user.set_password(password)
    user.save(update_fields=["password"])
