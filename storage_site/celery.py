"""The Celery application: wiring only."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storage_site.settings.development")

app = Celery("storage_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# With a listener here Celery leaves logging as the settings have it; a level of its own would hide our lines.
setup_logging.connect(lambda **_kwargs: None, weak=False)

# Named, not imported: only a worker process loads them.
app.steps["worker"].add("storage_site.operations.worker:Keeper")
app.steps["consumer"].add("storage_site.operations.intake:Intake")
app.steps["worker"].add("volumes.reporting:Reporter")
app.steps["worker"].add("backups.serving:Checker")
app.steps["consumer"].add("scheduling.remote:AskForReports")
