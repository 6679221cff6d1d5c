from django.urls import path

from accounts.views import Logout, Me, PasswordChange, Refresh, Registration, Tokens

urlpatterns = [
    path("auth/register/", Registration.as_view(), name="register"),
    path("auth/token/", Tokens.as_view(), name="token"),
    path("auth/token/refresh/", Refresh.as_view(), name="token-refresh"),
    path("auth/logout/", Logout.as_view(), name="logout"),
    path("auth/me/", Me.as_view(), name="me"),
    path("auth/me/password/", PasswordChange.as_view(), name="password"),
]
