"""The files that log clients in: openrc for shells, clouds.yaml for everything built on the OpenStack SDK."""

import json
import os
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage_site.identity.models import DOMAIN_NAME

CLOUDS = "clouds.yaml"


@dataclass(frozen=True, slots=True)
class Account:
    """What a client needs to log in."""

    auth_url: str
    region: str
    user_name: str
    project_name: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.user_name} in {self.project_name} at {self.auth_url})"


def openrc_path(directory: Path, user_name: str) -> Path:
    """Return where the openrc of a user lies in the directory."""
    return directory / f"{user_name}-openrc"


def write_openrc(path: Path, account: Account) -> None:
    """Write a file that a shell sources; it can only be read by its owner."""
    variables = {
        "OS_AUTH_TYPE": "password",
        "OS_AUTH_URL": account.auth_url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": account.user_name,
        "OS_PASSWORD": account.password,
        "OS_PROJECT_NAME": account.project_name,
        "OS_USER_DOMAIN_NAME": DOMAIN_NAME,
        "OS_PROJECT_DOMAIN_NAME": DOMAIN_NAME,
        "OS_REGION_NAME": account.region,
    }
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    # Left over from another account, these would win over the ones below, or contradict them.
    write_private(path, f"unset OS_CLOUD OS_TOKEN OS_USER_ID OS_PROJECT_ID OS_TENANT_NAME OS_SYSTEM_SCOPE\n{exports}")


def write_clouds(path: Path, accounts: Mapping[str, Account]) -> None:
    """Write a clouds.yaml with one cloud for each account; it can only be read by its owner."""
    clouds = {
        name: {
            "auth_type": "password",
            "auth": {
                "auth_url": account.auth_url,
                "username": account.user_name,
                "password": account.password,
                "project_name": account.project_name,
                "user_domain_name": DOMAIN_NAME,
                "project_domain_name": DOMAIN_NAME,
            },
            "region_name": account.region,
            "identity_api_version": "3",
            "volume_api_version": "3",
        }
        for name, account in accounts.items()
    }
    # JSON is YAML, and needs no library to be quoted rightly.
    write_private(path, json.dumps({"clouds": clouds}, indent=2) + "\n")


def password_in(path: Path) -> str | None:
    """Return the password that an openrc contains, if it is there."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    words = shlex.split(text, comments=True)
    prefix = "OS_PASSWORD="
    return next((word.removeprefix(prefix) for word in words if word.startswith(prefix)), None)


def write_private(path: Path, text: str) -> None:
    """Put `text` at `path`, whole or not at all, readable by its owner only from the first byte."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
