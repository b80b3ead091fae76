"""The API's microversions: how a request names one, and which are served."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.versioning import BaseVersioning

from storage_site.errors import InvalidRequest

HEADER = "OpenStack-API-Version"
SERVICE_TYPE = "volume"
FORM = re.compile(r"([1-9]\d*)\.([1-9]\d*|0)", re.ASCII)
# Longer ones are no versions that anybody serves, and Python refuses to convert the very long ones.
LONGEST_TEXT = 20


@dataclass(frozen=True, order=True, slots=True)
class Microversion:
    """A version of the API, ordered as its numbers are."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version written as `text`. :raises ValueError: if that is none."""
        match = FORM.fullmatch(text)
        if match is None or len(text) > LONGEST_TEXT:
            message = f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum."
            raise ValueError(message)
        return cls(int(match[1]), int(match[2]))

    def covers(self, since: str) -> bool:
        """Tell whether something that exists since version `since` exists in this one."""
        return self >= _known(since)

    def __str__(self) -> str:
        """Return the version as clients write it."""
        return f"{self.major}.{self.minor}"


MINIMUM = Microversion(3, 0)
MAXIMUM = Microversion(3, 71)
NEVER = "3.999"
"""Since when what no version has come to."""


@lru_cache
def _known(text: str) -> Microversion:
    return Microversion.parse(text)


class VersionNotServed(APIException):
    """The version asked for is well formed and outside of what is served."""

    status_code = 406

    def __init__(self, version: Microversion) -> None:
        super().__init__(
            f"Version {version} is not supported by the API. Minimum is {MINIMUM} and maximum is {MAXIMUM}."
        )
        # What lies above is repeated to the client; older majors were never named by this header.
        self.headers = {HEADER: f"{SERVICE_TYPE} {version}", "Vary": HEADER} if version > MINIMUM else {}


class MicroversionVersioning(BaseVersioning):
    """Reads the version from the header; a person with a browser, who cannot send one, gets the newest."""

    def determine_version(self, request: Request, *_args: Any, **_kwargs: Any) -> Microversion:
        """Return the version that `request` asks for.

        :raises InvalidRequest: if the header names none of this service.
        :raises VersionNotServed: if the version is not between the minimum and the maximum.
        """
        given = request.headers.get(HEADER)
        if given is None:
            is_for_people = getattr(request.accepted_renderer, "is_for_people", False)
            return MAXIMUM if is_for_people else MINIMUM
        wanted = _entry_of_this_service(given)
        if wanted == "latest":
            return MAXIMUM
        try:
            version = Microversion.parse(wanted)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        if not MINIMUM <= version <= MAXIMUM:
            raise VersionNotServed(version)
        return version


def _entry_of_this_service(header: str) -> str:
    """Return the version in the first entry of `header` that begins with our service type."""
    entries = (entry.split() for entry in header.split(","))
    match next((words for words in entries if words and words[0].startswith(SERVICE_TYPE)), None):
        case [_, version]:
            return version
    raise InvalidRequest
