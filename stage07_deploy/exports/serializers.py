from typing import Any

from rest_framework import serializers

from config.serializers import StrictSerializer
from exports.models import Export

STATUSES = [Export.WAITING, Export.READY, Export.FAILED]


class ExportSerializer(StrictSerializer):
    """An export; `download` is where the file is, once it is ready."""

    url = serializers.URLField(read_only=True)
    id = serializers.IntegerField(read_only=True)
    status = serializers.ChoiceField(STATUSES, read_only=True)
    progress = serializers.IntegerField(read_only=True, min_value=0, max_value=100)
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)
    download = serializers.URLField(read_only=True, allow_null=True)

    def to_representation(self, export: Export) -> dict[str, Any]:
        url = f"{self.list_url}{export.id}/"
        return {
            "url": url,
            "id": export.id,
            "status": export.status,
            "progress": export.progress,
            "created_at": export.created_at,
            "expires_at": export.expires_at,
            "download": f"{url}download/" if export.status == Export.READY else None,
        }
