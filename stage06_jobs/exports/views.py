from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from config.problems import Conflict, Problem
from config.resources import Resource
from exports import services
from exports.models import Export
from exports.serializers import ExportSerializer


class ZIP(BaseRenderer):
    """For the choice of the media type alone: the file is sent as it is."""

    media_type, format = "application/zip", "zip"


class ExportViewSet(Resource, ReadOnlyModelViewSet[Export]):
    queryset = Export.objects.all()
    serializer_class = ExportSerializer
    lookup_value_converter = "int"
    conflicts = ("download",)

    def get_queryset(self) -> QuerySet[Export]:
        owner: Any = self.request.user
        return Export.objects.of(owner)

    @extend_schema(request=None, responses={202: ExportSerializer})
    def create(self, request: Request, **kwargs: Any) -> Response:
        owner: Any = request.user
        export = services.request_export(owner=owner)
        data = self.get_serializer(export).data
        # RFC 9110 §15.3.3: accepted, and where to ask how far it is.
        return Response(data, 202, headers={"Location": data["url"]})

    # Without OPTIONS: what DRF answers to it is no file.
    @action(detail=True, renderer_classes=[ZIP], http_method_names=["get", "head"])
    def download(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        export = self.get_object()
        if export.status != Export.READY:
            raise Conflict("The file is not ready.")
        try:
            file = default_storage.open(export.file)
        except FileNotFoundError as error:
            raise Problem(404, "The file is gone. Ask for a new export.") from error
        # It would be the download's until the last byte is read, and there are ten for all.
        connection.close()
        body = chunks(file) if isinstance(request._request, ASGIRequest) else file.chunks()
        response = StreamingHttpResponse(body, content_type=ZIP.media_type)
        response["Content-Disposition"] = 'attachment; filename="strata.zip"'
        response["Content-Length"] = str(file.size)
        return response


async def chunks(file: "File[bytes]") -> AsyncIterator[bytes]:
    """An ASGI server would be given the whole file at once: Django reads other iterators first."""
    with file:
        while chunk := await sync_to_async(file.read)(File.DEFAULT_CHUNK_SIZE):
            yield chunk
