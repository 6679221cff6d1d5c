from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from config.throttles import count_attempt


class Backend(ModelBackend):
    """Django's own, which slows down guessing wherever a password can be sent.

    Permissions come by roles alone: with one query where Django makes two, or with the token.
    """

    def authenticate(
        self, request: HttpRequest | None, username: Any = None, password: Any = None, **kwargs: Any
    ) -> User | None:
        if request is not None:
            count_attempt(request, "login", username or kwargs.get("email", ""))
        return super().authenticate(request, username, password, **kwargs)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if hasattr(user_obj, "granted"):  # by a token
            return set(user_obj.granted)
        return self.get_group_permissions(user_obj)
