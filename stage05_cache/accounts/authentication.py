from typing import Any

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from accounts.models import User


class TokenAuthentication(JWTAuthentication):
    """Knows a user by an access token, as long as the log-in that it is of has not ended."""

    def authenticate(self, request: Request) -> Any:
        try:
            return super().authenticate(request)
        except (AuthenticationFailed, User.DoesNotExist):
            # What the library raises says in a dictionary, and too exactly, what is wrong.
            raise exceptions.AuthenticationFailed("This token is not good, or no longer.") from None

    def get_user(self, validated_token: Token) -> Any:
        return User.objects.of_log_in(validated_token.get("sid"))
