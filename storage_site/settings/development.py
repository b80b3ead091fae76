"""One machine with embedded defaults: what `./celinder up` and `./celinder demo` run with."""

import secrets

from storage_site.settings import environment as env
from storage_site.settings import own
from storage_site.settings.base import *
from storage_site.settings.base import BACKUP_KEY_FILE, BACKUPS_DIR, DATA_DIR

SECRET_KEY = (
    env.text("CELINDER_SECRET_KEY")
    or own.secret_file(DATA_DIR / "secret-key", lambda: secrets.token_urlsafe(48)).read_text()
)
if not env.text("CELINDER_BACKUP_KEY_FILE"):
    own.secret_file(BACKUP_KEY_FILE, own.master_key)
if not env.text("CELINDER_BACKUP_TARGETS"):
    BACKUPS_DIR.mkdir(mode=0o700, exist_ok=True)
