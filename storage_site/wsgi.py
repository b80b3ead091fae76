"""The WSGI application of the web process: wiring only."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storage_site.settings.development")

application = get_wsgi_application()
