"""Whether the settings name a Keystone that can be asked: for `manage.py check`, and before a fleet starts."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error

_HINT = "See docs/identity.md."


def check_keystone(**_kwargs: Any) -> list[Error]:
    """Name each setting that is missing, or cannot be, where a Keystone says who somebody is."""
    return (
        [Error(text, hint=_HINT, id="identity.E001") for text in _troubles()] if settings.IDENTITY == "keystone" else []
    )


def _troubles() -> list[str]:
    found = settings.KEYSTONE
    troubles = []
    if not found["url"]:
        troubles.append(
            "CELINDER_KEYSTONE_URL is not set: the address of the Keystone, as https://keystone.example.org/v3"
        )
    elif not _is_address(found["url"]):
        troubles.append(f"CELINDER_KEYSTONE_URL is no address of http or https: {found['url']}")
    if not found["password"]:
        troubles.append(
            f"The password of user {found['user']} is not known: set CELINDER_KEYSTONE_PASSWORD, "
            "or CELINDER_KEYSTONE_PASSWORD_FILE to the path of a file that contains it"
        )
    if found["ca_file"] and not Path(found["ca_file"]).is_file():
        troubles.append(f"CELINDER_KEYSTONE_CA_FILE names no file: {found['ca_file']}")
    if find_spec("keystonemiddleware") is None:
        troubles.append("The package keystonemiddleware is missing: pip install -r requirements.txt brings it")
    return troubles


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
