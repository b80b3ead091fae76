"""Records of backups: export, import (contract 04 section 7)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from backups.serializers.backups import BackupSummary
from backups.serializers.records import RecordImport, text_of
from backups.services import records as services
from backups.views.backups import BackupView
from storage_site.api.views import ApiView


class ExportRecord(BackupView):
    """The record of one backup."""

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Answer with it."""
        text = text_of(services.record_of(self.get_object()))
        return Response({"backup-record": {"backup_service": services.SERVICE, "backup_url": text}})


class ImportRecord(ApiView):
    """The way back."""

    reads = {"POST": RecordImport}
    answers = {"POST": 201}

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make the backup of a record the caller's; a worker looks for its data later."""
        values = self.values()
        backup = services.import_record(
            caller=self.caller, service=values["backup_service"], columns=values["backup_url"]
        )
        return Response({"backup": self.written(BackupSummary, backup)}, status=201)
