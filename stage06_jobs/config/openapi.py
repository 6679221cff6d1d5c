"""The API's own description: what drf-spectacular cannot know from views and serializers."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

from config.http import JSON
from config.resources import Conditional, Resource

# What is the same whatever the code does is written in OpenAPI's own language.
WRITTEN = yaml.safe_load(Path(__file__).with_name("description.yaml").read_text())


def refer(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


class Schema(AutoSchema):
    """Adds to each operation its summary, its errors and the headers of conditional requests."""

    def get_summary(self) -> str:
        return str(WRITTEN["summaries"][self.get_operation_id()])

    def get_description(self) -> str:  # type: ignore[override]
        # Docstrings are for readers of the code; the summary says what a client has to know.
        return ""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation:
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            self.add_media_types_and_headers(operation["responses"])
            self.add_conditions(operation)
            errors = [HTTPStatus(status) for status in self.get_errors(operation)]
            operation["responses"] |= {str(e.value): refer("responses", e.name) for e in errors}
        return operation

    def add_media_types_and_headers(self, responses: dict[str, Any]) -> None:
        tagged = isinstance(self.view, Conditional) and self.method != "PUT"
        for status, response in responses.items():
            for media_type, content in response.get("content", {}).items():
                if media_type != JSON:
                    content["schema"] = {"type": "string"}
            if "content" in response and tagged:
                names = ["ETag", "Location"] if status in ("201", "202") else ["ETag"]
                response["headers"] = {name: refer("headers", name) for name in names}

    def add_conditions(self, operation: dict[str, Any]) -> None:
        parameters = operation.setdefault("parameters", [])
        if self.method == "GET" and isinstance(self.view, Conditional):
            operation["responses"]["304"] = {"description": "The answer is the one you have."}
            parameters.append(refer("parameters", "IfNoneMatch"))
        if self.is_conditional_write():
            parameters.append(refer("parameters", "IfMatch"))
        if self.is_done_once():
            parameters.append(refer("parameters", "IdempotencyKey"))

    def is_conditional_write(self) -> bool:
        # What can be read has a tag, which a write can name.
        return self.method != "GET" and "{" in self.path and hasattr(self.view, "retrieve")

    def is_done_once(self) -> bool:
        return self.method == "POST" and isinstance(self.view, Resource)

    def get_errors(self, operation: dict[str, Any]) -> list[int]:
        """The status of every error that the operation can answer."""
        forbidden = getattr(self.view, "action", None) in getattr(self.view, "conflicts", ())
        errors = [400, 406, 500, 503]
        knows_users = bool(self.view.get_authenticators())
        writes = self.method not in SAFE_METHODS
        errors += [401] if knows_users or "401" in operation["responses"] else []
        errors += [403] if knows_users and writes else []
        errors += [429] if writes else []
        errors += [404] if "{" in self.path else []
        errors += [409] if forbidden or self.is_done_once() else []
        errors += [412] if self.is_conditional_write() else []
        errors += [413, 415] if "requestBody" in operation else []
        errors += [422] if self.is_done_once() else []
        return sorted(errors)


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.TokenAuthentication"
    name = "bearer"


class TextSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """What a Text accepts. What an answer holds of it is any string."""

    target_class = "config.serializers.Text"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        if direction == "response":
            return {"type": "string"}
        # NUL is not refused by a pattern, for beside one drf-spectacular would describe "" twice,
        # as one of two alternatives, and so forbid it.
        no_nul = {"not": {"pattern": r"\x00"}}
        schema = {"type": "string", "maxLength": self.target.max_length, **no_nul}
        return schema if self.target.allow_blank else schema | {"pattern": self.target.pattern}


def complete(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """The description with what is written by hand, and with bodies of named members alone."""
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
        elif f"{name}Request" in schemas:
            schema["required"] = sorted(schema["properties"])
    for kind, parts in WRITTEN["components"].items():
        for name, part in parts.items():
            result["components"].setdefault(kind, {}).setdefault(name, {}).update(part)
    return result
