from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from config.throttles import count_attempt


class Backend(ModelBackend):
    """Django's own, which slows down guessing wherever a password can be sent.

    Permissions come by roles alone, and with one query where Django makes two.
    """

    def authenticate(
        self, request: HttpRequest | None, username: Any = None, password: Any = None, **kwargs: Any
    ) -> User | None:
        if request is not None:
            count_attempt(request, "login", username or kwargs.get("email", ""))
        return super().authenticate(request, username, password, **kwargs)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set(user_obj.granted) if user_obj.is_active else set()
