"""Accounts and tokens as JSON: what a client may send, and what it gets."""

import re
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as Unacceptable
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.models import User
from config.serializers import StrictSerializer, Text

# What <input type="email"> takes, with a dot in the domain.
LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{LABEL}(?:\.{LABEL})+$"


class Email(Text):
    pattern = EMAIL
    default_error_messages = {"email": "Must be an e-mail address."}

    def to_internal_value(self, data: Any) -> str:
        address = super().to_internal_value(data)
        if not re.fullmatch(EMAIL, address):
            self.fail("email")
        return address


class Password(Text):
    """At most 128 characters: hashing more would be work that anybody can ask for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=128, write_only=True, **kwargs)


def require_strength(name: str, password: str, user: User) -> None:
    """Raises what Django's validators say of a new password, as the errors of that field."""
    try:
        validate_password(password, user)
    except Unacceptable as error:
        raise ValidationError({name: error.messages}) from None


class RegistrationSerializer(StrictSerializer):
    email = Email(max_length=254)
    name = Text(max_length=100)
    password = Password()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = User(email=attrs["email"], name=attrs["name"])
        require_strength("password", attrs["password"], user)
        return attrs


class CredentialsSerializer(StrictSerializer):
    email = Text(max_length=254)
    password = Password()


class RefreshSerializer(StrictSerializer):
    refresh = Text(max_length=2000)


class TokenPairSerializer(StrictSerializer):
    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)


class AccountSerializer(StrictSerializer):
    """One's own account, which nobody else is shown."""

    email = serializers.CharField(read_only=True)
    name = Text(max_length=100)


class NewPasswordSerializer(StrictSerializer):
    current = Password()
    new = Password()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        require_strength("new", attrs["new"], self.context["request"].user)
        return attrs
