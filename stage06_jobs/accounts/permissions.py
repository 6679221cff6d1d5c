from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request


class MayAdd(BasePermission):
    """To add a row takes a role that permits it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        model = view.queryset.model._meta
        permission = f"{model.app_label}.add_{model.model_name}"
        return bool(view.action != "create" or request.user.has_perm(permission))


class MayChange(BasePermission):
    """A row that everybody can read says itself whom it lets change it."""

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return request.method in SAFE_METHODS or obj.may_be_changed_by(request.user)
