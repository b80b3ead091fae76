"""The paths of backups."""

from backups.authorisation import RULES
from backups.views import backups, records, timelines
from storage_site.api import authorisation
from storage_site.api.routes import resource

authorisation.register(RULES)

urlpatterns = [
    resource("backups", backups.Backups, "backups"),
    resource("backups/detail", backups.BackupsInFull, "backups-detail"),
    resource("backups/import_record", records.ImportRecord, "backup-import-record"),
    resource("backups/{id}", backups.OneBackup, "backup"),
    resource("backups/{id}/timeline", timelines.BackupTimeline, "backup-timeline"),
    resource("backups/{id}/restore", backups.BackupRestore, "backup-restore"),
    resource("backups/{id}/export_record", records.ExportRecord, "backup-export-record"),
    resource("backups/{id}/action", backups.BackupActions, "backup-action"),
]
