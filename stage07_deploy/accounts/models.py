import uuid
from typing import Any, Self

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.crypto import constant_time_compare
from django.utils.timezone import now

READER, AUTHOR, EDITOR = "reader", "author", "editor"

# The user of a log-in, with what the roles permit. Every request with a token asks this, so it is
# written down: built by Django each time, it takes eight times as many calls.
LIVE = """
    SELECT account.*, family.password_hmac, ARRAY(
        SELECT content_type.app_label || '.' || permission.codename
        FROM accounts_user_groups role JOIN auth_group_permissions USING (group_id)
        JOIN auth_permission permission ON permission.id = permission_id
        JOIN django_content_type content_type ON content_type.id = content_type_id
        WHERE role.user_id = account.id
    ) AS granted
    FROM accounts_tokenfamily family JOIN accounts_user account ON account.id = family.user_id
    WHERE family.id = %s AND account.is_active
"""


class UserManager(BaseUserManager["User"]):
    def of_log_in(self, sid: Any) -> "User":
        """The user of a token family; DoesNotExist when the log-in has ended."""
        for user in self.raw(LIVE, [sid]):
            if constant_time_compare(user.password_hmac, user.get_session_auth_hash()):
                return user
        raise User.DoesNotExist

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

    # Filled by UserManager.of_log_in.
    granted: list[str]
    password_hmac: str

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


class TokenFamilyQuerySet(models.QuerySet["TokenFamily"]):
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
