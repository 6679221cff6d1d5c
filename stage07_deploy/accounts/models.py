import uuid
from typing import Any, Self, cast

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    Permission,
    PermissionsMixin,
)
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Concat, Lower
from django.db.models.lookups import Exact
from django.utils.crypto import constant_time_compare
from django.utils.functional import cached_property
from django.utils.timezone import now

READER, AUTHOR, EDITOR = "reader", "author", "editor"


def permissions_of(user: Any) -> QuerySet[Permission, str]:
    """What the roles of a user permit, by names like `blog.add_post`."""
    name = Concat("content_type__app_label", Value("."), "codename")
    return Permission.objects.filter(group__user=user).values_list(name, flat=True)


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        # The expression of the constraint, so that its index serves the query.
        return self.get(Exact(Lower("email"), (username or "").lower()))

    def create_superuser(self, email: str, name: str, password: str | None = None) -> "User":
        fields = {"password": make_password(password), "is_staff": True, "is_superuser": True}
        return self.create(email=email, name=name, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """An account. Others see its `name`, and its e-mail address never."""

    email = models.EmailField()
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="Whether /admin/ is open.")
    date_joined = models.DateTimeField(default=now)

    objects = UserManager()

    USERNAME_FIELD = EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique")]

    def __str__(self) -> str:
        return self.name

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password; a hash of an older kind is replaced by a new one."""

        def renew(password: str) -> None:
            # Unless it has been replaced meanwhile: the second of two log-ins at once would end
            # what the first has begun, and one that meets a new password would bring back the old.
            User.objects.filter(pk=self.pk, password=old).update(password=make_password(password))
            self.refresh_from_db(fields=["password"])

        old = self.password
        good = check_password(raw_password, old, renew)
        return good and (self.password == old or check_password(raw_password, self.password))

    @cached_property
    def granted(self) -> list[str]:
        """What the roles permit; a token brings it along, so that it costs no query here."""
        return list(permissions_of(self))


class TokenFamilyQuerySet(models.QuerySet["TokenFamily"]):
    def live(self, sid: Any) -> "TokenFamily | None":
        """The family with its user and what that one may, in one query; None when it has ended."""
        families = self.select_related("user").filter(id=sid, user__is_active=True)
        granted = ArraySubquery(permissions_of(OuterRef("user")))
        family: Any = families.annotate(granted=granted).first()
        if family is None or not family.is_of_current_password():
            return None
        family.user.granted = family.granted
        return cast("TokenFamily", family)

    def outlived(self, lifetime: Any) -> Self:
        """The families whose last refresh token has expired."""
        return self.filter(renewed_at__lt=now() - lifetime)


class TokenFamily(models.Model):
    """All tokens of one log-in, there until it ends; its id is their claim `sid`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.CASCADE, related_name="token_families")
    # Of the one refresh token that is good: those before it have been used.
    jti = models.CharField(max_length=32)
    password_hmac = models.CharField(max_length=64)
    renewed_at = models.DateTimeField(default=now)

    objects = TokenFamilyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} since {self.renewed_at:%Y-%m-%d %H:%M}"

    def is_of_current_password(self) -> bool:
        """Whether the password is the one of the log-in, whoever may have changed it and where."""
        return constant_time_compare(self.password_hmac, self.user.get_session_auth_hash())
