"""Asking the compute service whether a server uses a volume (contract 03 section 8)."""

import http.client
import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from django.conf import settings

from drivers.http import connection_to
from storage_site.caller import Caller
from storage_site.errors import Unavailable

logger = logging.getLogger(__name__)

NOBODY = "none"
# From here on it tells which attachment the server uses.
MICROVERSION = "2.89"
LONGEST_ANSWER = 1024 * 1024


def endpoint_for(caller: Caller) -> str:
    """Return where the compute service is: as the settings say, else the catalog of the caller's token; "" for none."""
    configured: str = settings.COMPUTE_ENDPOINT
    if configured == NOBODY:
        return ""
    url = configured or caller.compute_url
    for placeholder in ("%(project_id)s", "$(project_id)s", "%(tenant_id)s", "$(tenant_id)s"):
        url = url.replace(placeholder, quote(caller.project_id, safe=""))
    return url.rstrip("/")


def is_used(caller: Caller, *, server_id: UUID, volume_id: UUID, attachment_id: UUID) -> bool:
    """Tell whether the server uses the volume by this attachment; not to be asked inside a transaction.

    It is asked in the caller's name: what the caller may not see there, is not there.

    :raises Unavailable: if the compute service does not answer, or not in a way that can be understood.
    """
    path = f"/servers/{server_id}/os-volume_attachments/{volume_id}"
    answer = _asked(caller, path, MICROVERSION)
    if answer.status == HTTPStatus.NOT_ACCEPTABLE:
        answer = _asked(caller, path, "")  # an older one, which does not tell by which attachment
    if answer.status == HTTPStatus.NOT_FOUND:
        return False
    if answer.status != HTTPStatus.OK:
        raise _unavailable(f"it answers {answer.status}")
    told = answer.members().get("volumeAttachment")
    if not isinstance(told, dict):
        raise _unavailable("its answer is not what was asked for")
    return told.get("attachment_id") in {None, str(attachment_id)}


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes

    def members(self) -> dict[str, Any]:
        """Return the object in the body. :raises Unavailable: if there is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise _unavailable("its answer is no JSON object")
        return found


def _asked(caller: Caller, path: str, version: str) -> _Answer:
    """Return the answer; redirections are not followed, for the token is for nobody else."""
    headers = {"X-Auth-Token": caller.token, "Accept": "application/json", "X-OpenStack-Request-ID": caller.request_id}
    if version:
        headers |= {"OpenStack-API-Version": f"compute {version}", "X-OpenStack-Nova-API-Version": version}
    where = urlsplit(endpoint_for(caller) + path)
    try:
        connection = connection_to(where, timeout_s=settings.COMPUTE_TIMEOUT_S, ca_file=settings.COMPUTE_CA_FILE)
        try:
            connection.request("GET", where.path, headers=headers)
            response = connection.getresponse()
            return _Answer(response.status, response.read(LONGEST_ANSWER))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unavailable(repr(error)) from error


def _unavailable(reason: str) -> Unavailable:
    logger.warning("the compute service cannot be asked", extra={"reason": reason})
    return Unavailable("The compute service cannot be asked whether a server uses the volume; try again.")
