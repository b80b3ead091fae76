"""What the tests run with: no file outside a temporary directory, no broker unless a test starts one."""

import atexit
import os
import shutil
import tempfile

from storage_site.settings import environment as env
from storage_site.settings import own

if "CELINDER_DATA_DIR" not in os.environ:
    os.environ["CELINDER_DATA_DIR"] = tempfile.mkdtemp(prefix="celinder-test-")
    atexit.register(shutil.rmtree, os.environ["CELINDER_DATA_DIR"], ignore_errors=True)
os.environ.setdefault("CELERY_BROKER_URL", "memory://")

from storage_site.settings.base import *
from storage_site.settings.base import BACKUP_KEY_FILE, BACKUPS_DIR, DATABASES

SECRET_KEY = "tests only"  # noqa: S105 - protects nothing
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGE_BACKENDS = env.table(
    "CELINDER_BACKENDS",
    {"mem1": {"driver": "memory", "size_gib": 100}, "mem2": {"driver": "memory", "size_gib": 100}},
)
own.secret_file(BACKUP_KEY_FILE, own.master_key)
BACKUPS_DIR.mkdir(mode=0o700, exist_ok=True)
DATABASES["default"]["CONN_MAX_AGE"] = 0
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads of a test are other connections, as workers are.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(os.environ["CELINDER_DATA_DIR"], "test.sqlite3")}  # noqa: PTH118
WHITENOISE_AUTOREFRESH = True  # nobody has collected static files here
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
LOGGING["root"]["level"] = env.text("CELINDER_LOG_LEVEL", "WARNING")
