from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts import serializers, services
from accounts.authentication import TokenAuthentication
from config.throttles import count_attempt

TOKENS = {200: serializers.TokenPairSerializer, 401: None}


def read(serializer: BaseSerializer[Any]) -> Any:
    """What the body holds; ValidationError when that cannot be accepted."""
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


class Anonymous(APIView):
    """A view for whom nobody knows yet; a token that has grown old is no hindrance."""

    authentication_classes = []
    permission_classes = [AllowAny]


class Registration(Anonymous):
    @extend_schema(request=serializers.RegistrationSerializer, responses={202: None})
    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = read(serializers.RegistrationSerializer(data=request.data))
        count_attempt(request._request, "registration", sent["email"])
        services.register(**sent)
        return Response(status=202)


class Tokens(Anonymous):
    @extend_schema(request=serializers.CredentialsSerializer, responses=TOKENS)
    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = read(serializers.CredentialsSerializer(data=request.data))
        user: Any = authenticate(request._request, **sent)
        if user is None:
            raise services.refused("No active account has this address and this password.")
        return answer(services.log_in(user=user))


class Refresh(Anonymous):
    @extend_schema(request=serializers.RefreshSerializer, responses=TOKENS)
    def post(self, request: Request, **kwargs: Any) -> Response:
        return answer(services.renew(**read(serializers.RefreshSerializer(data=request.data))))


def answer(data: dict[str, str]) -> Response:
    # RFC 6749 §5.1: no cache may keep tokens; nor has one any business with an account.
    return Response(data, headers={"Cache-Control": "no-store"})


class Logout(APIView):
    # A session knows of no family, and has a log-out of its own.
    authentication_classes = [TokenAuthentication]

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, **kwargs: Any) -> Response:
        token: Any = request.auth
        services.log_out(sid=token["sid"])
        return Response(status=204)


class Me(APIView):
    @extend_schema(responses=serializers.AccountSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        return answer(serializers.AccountSerializer(request.user).data)

    @extend_schema(request=serializers.AccountSerializer, responses=serializers.AccountSerializer)
    def patch(self, request: Request, **kwargs: Any) -> Response:
        if request.stream is None:
            raise ParseError("There is no body.")
        changes = read(serializers.AccountSerializer(data=request.data, partial=True))
        user: Any = request.user
        services.update_account(user=user, changes=changes)
        return self.get(request)


class PasswordChange(APIView):
    @extend_schema(request=serializers.NewPasswordSerializer, responses={204: None})
    def post(self, request: Request, **kwargs: Any) -> Response:
        context = {"request": request}
        sent = read(serializers.NewPasswordSerializer(data=request.data, context=context))
        email = request.user.get_username()
        user: Any = authenticate(request._request, username=email, password=sent["current"])
        if user is None:
            raise ValidationError({"current": ["This is not your password."]})
        services.change_password(user=user, password=sent["new"])
        return Response(status=204)
